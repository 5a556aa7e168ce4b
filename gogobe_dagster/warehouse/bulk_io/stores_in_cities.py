"""Which stores are in a city, however the chain or the person who asks writes it."""

from collections.abc import Collection
from typing import Any

import psycopg

from gogobe_dagster.localities.resolver import resolve_place


def stores_in_cities(cursor: psycopg.Cursor[Any], cities: Collection[str]) -> list[int]:
    """Return the keys of the stores in these cities: names in Hebrew or English, or codes of localities.

    A store counts by its locality, or where its city is published letter by letter as given.
    """
    codes = [place.code for city in cities if (place := resolve_place(city).locality)]
    query = "select store_key from store where locality_code = any(%s) or city = any(%s)"
    return [key for (key,) in cursor.execute(query, (codes, list(cities)))]
