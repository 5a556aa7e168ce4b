"""What price history means, in plain Python and as slow as it likes: the judge of warehouse.history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from gogobe_dagster.warehouse.history import Statement

Value = tuple[Decimal, Decimal | None]


@dataclass(frozen=True)
class Period:
    store: int
    product: int
    price: Decimal
    unit_price: Decimal | None
    valid_from: datetime
    file_id: int
    valid_to: datetime | None = None
    ended_file_id: int | None = None


def history_of(statements: Sequence[Statement], rows: Mapping[int, Mapping[int, Value]]) -> list[Period]:
    """Replay every store, instant by instant; `rows` has the products and prices of each file."""
    periods = []
    ordered = sorted(statements, key=lambda one: (one.store_key, *one.place))
    for store, of_store in groupby(ordered, key=lambda one: one.store_key):
        sold: dict[int, tuple[Value, int]] = {}
        open_since: dict[int, tuple[Value, datetime, int]] = {}
        for at, of_instant in groupby(of_store, key=lambda one: one.published_at):
            last_full = 0
            for one in of_instant:
                if one.is_complete:
                    sold, last_full = {}, one.file_id
                sold |= {product: (value, one.file_id) for product, value in rows[one.file_id].items()}
            for product in open_since.keys() | sold.keys():
                value, file_id = sold.get(product, (None, last_full))
                before = open_since.get(product)
                if before and before[0] != value:
                    periods.append(Period(store, product, *before[0], *before[1:], at, file_id))
                    del open_since[product]
                if value and (not before or before[0] != value):
                    open_since[product] = (value, at, file_id)
        periods += [Period(store, product, *value, at, by) for product, (value, at, by) in open_since.items()]
    return sorted(periods, key=lambda one: (one.store, one.product, one.valid_from))
