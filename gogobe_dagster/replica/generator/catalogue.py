"""What can be bought: products with Hebrew names, valid GTINs, packages and a usual price."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice, product

from gogobe_dagster.replica.generator.assortment import LINES, MAKERS, VARIANTS, Line
from gogobe_dagster.replica.generator.seeded_random import draw

PRODUCE_CODE = 1000
GRAMS_OR_MILLILITRES = ("גרם", "מיליליטר")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product; the same in every chain that sells it."""

    code: str
    is_barcode: bool
    """False: the chain's own number, for produce and bread."""
    name: str
    line: int
    """Products of one line are alike and share promotions."""
    maker: str
    country: str
    quantity: int
    unit: str
    unit_of_measure: str
    is_weighted: bool
    usual_price: int
    """In agorot."""

    @property
    def per_measure(self) -> float:
        """How many times `unit_of_measure` goes into the package."""
        return self.quantity / 100 if self.unit in GRAMS_OR_MILLILITRES else float(self.quantity)


@lru_cache(maxsize=8)
def catalogue(size: int) -> tuple[Product, ...]:
    """Return `size` products, each line of goods in turn, so that even a few make a believable store."""
    return tuple(islice(_in_turn(), size))


def gtin(first_twelve: str) -> str:
    """Return the 13 digits with their check digit (GS1: weights 1 and 3 from the left)."""
    total = sum(int(digit) * (3 if position % 2 else 1) for position, digit in enumerate(first_twelve))
    return f"{first_twelve}{-total % 10}"


def _in_turn() -> Iterator[Product]:
    numbers = count(1)
    lines = [(number, line, _combinations(line)) for number, line in enumerate(LINES)]
    while True:
        for number, line, combinations in lines:
            yield _product(number, line, next(combinations), next(numbers))


def _combinations(line: Line) -> Iterator[tuple[str, str, int, str]]:
    """Every variant, size, maker and kind of a line; then the same again as numbered models."""
    for round_ in count(1):
        model = f" דגם {round_}" if round_ > 1 else ""
        for variant, size, maker, kind in product(VARIANTS, line.sizes, line.makers, line.kinds):
            yield kind, maker, size, variant + model


def _product(number: int, line: Line, chosen: tuple[str, str, int, str], serial: int) -> Product:
    kind, maker, size, variant = chosen
    country, company = MAKERS[maker]
    parts = (line.name, kind, maker if company else "", _package(line, size), variant.strip())
    return Product(
        code=_code(company, serial) if company else str(PRODUCE_CODE + serial),
        is_barcode=bool(company),
        name=" ".join(part for part in parts if part),
        line=number,
        maker=maker or "לא ידוע",
        country=country,
        quantity=size,
        unit=line.unit,
        unit_of_measure=f"100 {line.unit}" if line.unit in GRAMS_OR_MILLILITRES else line.unit,
        is_weighted=line.unit == 'ק"ג',
        usual_price=_usual_price(line, size, maker, variant),
    )


def _code(company: str, serial: int) -> str:
    return gtin(f"{company}{serial:0{12 - len(company)}}")


def _package(line: Line, size: int) -> str:
    short = {"גרם": "גר'", "מיליליטר": 'מ"ל', "יחידה": "יח'"}
    return f"{size} {short[line.unit]}" if line.unit in short and size > 1 else ""


def _usual_price(line: Line, size: int, maker: str, variant: str) -> int:
    bulk = float((size / line.sizes[0]) ** 0.85)  # the bigger package is cheaper by weight
    spread = 90 + draw(line.name, maker, variant) % 30
    return max(150, round(line.price * bulk * spread / 1000) * 10)
