"""What history means, in plain Python and as slow as it likes: the judge of warehouse.history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from gogobe_dagster.warehouse.history.periods import StoreFile

Value = tuple[Decimal, Decimal | None]


@dataclass(frozen=True)
class Period:
    store: int
    product: int
    price: Decimal
    published_unit_price: Decimal | None
    valid_from: datetime
    file_id: int
    valid_to: datetime | None = None
    closed_by_file_id: int | None = None


def history_of(
    statements: Sequence[StoreFile], rows: Mapping[int, Mapping[int, Value | None]]
) -> list[Period]:
    """What stores sell; `rows` has the products and prices of each file."""
    rows_of_periods = periods_of(statements, rows)
    periods = [Period(store, product, *value, *since) for store, product, value, *since in rows_of_periods]
    return sorted(periods, key=lambda period: (period.store, period.product, period.valid_from))


def periods_of(statements: Sequence[StoreFile], rows: Mapping[int, Mapping[Any, Any]]) -> list[Any]:
    """Replay every store, timestamp by timestamp; `rows` has the entities of each file and their values.

    None: the file lists the thing, and what it says of it cannot be read.
    Returns store, thing, what is said of it, from when, by which file, until when, and by which file.
    """
    periods = []
    ordered = sorted(statements, key=lambda statement: (statement.store_key, *statement.order))
    for store, of_store in groupby(ordered, key=lambda statement: statement.store_key):
        stated: dict[Any, Any] = {}
        open_since: dict[Any, Any] = {}
        for at, at_once in groupby(of_store, key=lambda statement: statement.published_at):
            last_full = 0
            before = stated
            for statement in at_once:
                listed = rows[statement.file_id]
                if statement.is_complete:
                    stated = {thing: before[thing] for thing in listed if thing in before}
                    last_full = statement.file_id
                stated = stated | {
                    thing: (value, statement.file_id) for thing, value in listed.items() if value
                }
            for thing in open_since.keys() | stated.keys():
                value, file_id = stated.get(thing, (None, last_full))
                since = open_since.get(thing)
                if since and since[0] != value:
                    periods.append((store, thing, *since, at, file_id))
                    del open_since[thing]
                if value and (not since or since[0] != value):
                    open_since[thing] = (value, at, file_id)
        periods += [(store, thing, *since, None, None) for thing, since in open_since.items()]
    return periods
