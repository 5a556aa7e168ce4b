"""The units that chains write: one table of spellings, base units and factors.

Spellings stand without quotes, which chains write in eight ways. All were seen in published files, except the
English ones.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Final


class BaseUnit(StrEnum):
    """What contents are compared in."""

    KILOGRAM = "kg"
    LITRE = "l"
    METRE = "m"
    PIECE = "piece"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that chains write."""

    name: str
    base_unit: BaseUnit
    factor: Decimal
    """Its size in the base unit."""
    spellings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of units, such as 100 grams."""

    base_unit: BaseUnit
    unit: Decimal
    """One of the units, in the base unit."""
    count: Decimal

    @property
    def size(self) -> Decimal:
        """All of it, in the base unit."""
        return self.unit * self.count


UNITS: Final = (
    Unit("gram", BaseUnit.KILOGRAM, Decimal("0.001"), (
        *("גרם", "גרמים", "גר", "ג", "g", "gr", "gram", "grams"),
    )),
    Unit("kilogram", BaseUnit.KILOGRAM, Decimal(1), (
        *("קג", "קילו", "קילוגרם", "קילוגרמים", "קילוגרמ", "kg", "kilogram", "kilograms"),
    )),
    Unit("millilitre", BaseUnit.LITRE, Decimal("0.001"), (
        *("מל", "מיליליטר", "מיליליטרים", "סמק", "ml", "cc", "milliliter", "millilitre"),
    )),
    Unit("litre", BaseUnit.LITRE, Decimal(1), (
        *("ליטר", "ליטרים", "לטר", "ליט", "לי", "ל", "l", "lt", "ltr", "liter", "litre", "liters", "litres"),
    )),
    Unit("centimetre", BaseUnit.METRE, Decimal("0.01"), ("סמ", "סנטימטר", "cm")),
    Unit("metre", BaseUnit.METRE, Decimal(1), ("מטר", "מטרים", "m", "meter", "metre", "meters", "metres")),
    Unit("piece", BaseUnit.PIECE, Decimal(1), (
        *("יחידה", "יחידות", "יח", "יחי", "יחיד", "יחידו", "יחדה", "יחדיה", "יחייד", "unit", "units"),
        *("piece", "pieces", "pcs"),
        *("כמוסות", "כמוסה", "טבליות", "טבליה", "קפסולות", "שקיקים", "שקיק", "גלילים"),
        *("ביצים", "מגבונים"),
    )),
)  # fmt: skip
QUOTES: Final = "\"'`´״׳’‘”“″′"
COUNTS: Final = frozenset(map(Decimal, (1, 10, 100, 1000)))
"""How many units a unit of measure has. With another number, such as 750, it is the content again."""
_MEASURE: Final = re.compile(r"(?:ל\s*-?\s*)?([0-9]+(?:\.[0-9]+)?)?\s*(\D*)")
_BY_SPELLING: Final = {spelling: unit for unit in UNITS for spelling in unit.spellings}


@cache
def read_measure(text: str | None) -> Measure | None:
    """Read a published unit, such as גרם or ל-100 מ"ל; None where the table does not have it."""
    plain = (text or "").translate(dict.fromkeys(map(ord, QUOTES))).strip().lower()
    measure = _MEASURE.fullmatch(plain)
    if measure is None:
        return None
    count = Decimal((measure[1] or "").lstrip("0") or 1)
    for word in (measure[2], measure[2].removeprefix("ל"), plain):
        unit = _BY_SPELLING.get(word.strip())
        if unit:
            return Measure(unit.base_unit, unit.factor, count if count in COUNTS else Decimal(1))
    return None
