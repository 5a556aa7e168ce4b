"""The built-in table of localities: codes, names and places as the Central Bureau of Statistics has them."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Locality:
    """A town or village that the Central Bureau of Statistics (CBS) has a code for."""

    code: int
    """The bureau's code (semel yishuv), which some chains publish as the city."""
    name: str
    english_name: str
    """The bureau's transliteration: Petah Tiqwa."""
    district: str
    """In Hebrew, as are `name` and `sub_district`."""
    sub_district: str
    latitude: float
    """WGS84, degrees; a point in the middle of the locality."""
    longitude: float
    population: int | None
    """At the end of 2021; None where none is published."""


def read_rows(name: str) -> list[dict[str, str]]:
    """Read a table of this package; tabs between its columns, no quoting."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def localities() -> MappingProxyType[int, Locality]:
    """Return every locality by its code."""
    return MappingProxyType(
        {(locality := _locality(row)).code: locality for row in read_rows("localities.tsv")}
    )


def _locality(row: dict[str, str]) -> Locality:
    return Locality(
        code=int(row["code"]),
        name=row["name"],
        english_name=row["english_name"],
        district=row["district"],
        sub_district=row["sub_district"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        population=int(row["population"]) if row["population"] else None,
    )
