"""Which stores are in a city, however the chain or the person who asks writes it."""

from collections.abc import Collection
from typing import Any

import psycopg

from gogobe_dagster.localities.resolver import resolve_place, resolve_store


def stores_in_cities(cursor: psycopg.Cursor[Any], cities: Collection[str]) -> list[int]:
    """Return the keys of the stores in these cities: names in Hebrew or English, or codes of localities.

    A store counts by its locality, or where its city is published letter by letter as given.
    """
    codes = {place.code for city in cities if (place := resolve_place(city).locality)}
    stores = cursor.execute("select store_key, city, address, name from store").fetchall()
    return [key for key, *fields in stores if fields[0] in cities or _code(*fields) in codes]


def _code(city: str | None, address: str | None, name: str | None) -> int | None:
    place = resolve_store(city, address, name).locality
    return place.code if place else None
