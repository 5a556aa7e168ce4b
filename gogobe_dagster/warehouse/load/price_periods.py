"""Reading what holds and writing what changed: the SQL of price_current and price_past."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
import sqlalchemy as sa

from gogobe_dagster.warehouse.bulk_io.pg_binary import Array, money
from gogobe_dagster.warehouse.bulk_io.pg_copy import copy_in, execute
from gogobe_dagster.warehouse.history.periods import PRICES, Changes, StoreFile

NOTHING = -(2**63)
"""Stands for a unit price that is not there."""
_CURRENT = f"""
select store_key, array_agg(product_key), array_agg((price * 10000)::bigint),
    array_agg(coalesce((published_unit_price * 10000)::bigint, {NOTHING}))
from price_current
"""  # noqa: S608 - a number of ours
# One row per store with arrays: a driver takes longer to fetch 10,000 rows than the server to find them.
_OF_STORES = f"{_CURRENT} where store_key = any(%(stores)s) group by store_key"
_OF_PRODUCTS = f"""
{_CURRENT} join unnest(%(store_key)s::int[], %(product_key)s::int[]) as wanted (store_key, product_key)
using (store_key, product_key) group by store_key
"""
_END = """
insert into price_past (store_key, product_key, valid_from, valid_to, price, published_unit_price,
    price_set_at, file_id, closed_by_file_id)
select store_key, product_key, valid_from, e.valid_to, price, published_unit_price, price_set_at,
    file_id, e.closed_by_file_id
from price_current
join unnest(%(store_key)s::int[], %(product_key)s::int[], %(valid_to)s::timestamptz[],
    %(closed_by_file_id)s::bigint[]) as e (store_key, product_key, valid_to, closed_by_file_id)
using (store_key, product_key)
"""
_UPDATE = """
update price_current c set price = n.price, published_unit_price = n.published_unit_price,
    price_set_at = n.price_set_at, valid_from = n.valid_from, file_id = n.file_id
from unnest(%(store_key)s::int[], %(product_key)s::int[], %(price)s::numeric[],
    %(published_unit_price)s::numeric[], %(price_set_at)s::timestamptz[], %(valid_from)s::timestamptz[],
    %(file_id)s::bigint[])
    as n (store_key, product_key, price, published_unit_price, price_set_at, valid_from, file_id)
where c.store_key = n.store_key and c.product_key = n.product_key
"""
_REMOVE = """
delete from price_current c
using unnest(%(store_key)s::int[], %(product_key)s::int[]) as gone (store_key, product_key)
where c.store_key = gone.store_key and c.product_key = gone.product_key
"""


def read_current(
    connection: sa.Connection, statements: Sequence[StoreFile], rows: pl.DataFrame
) -> pl.DataFrame:
    """Read current prices: all of a store with a complete file, otherwise those of the listed products."""
    whole = {statement.store_key for statement in statements if statement.is_complete}
    current = [pl.DataFrame(schema=PRICES.current)]
    if whole:
        stores = pl.Series(sorted(whole), dtype=pl.Int32)
        current += _frames(execute(connection, _OF_STORES, stores=stores))
    store_keys = {
        statement.file_id: statement.store_key for statement in statements if statement.store_key not in whole
    }
    if store_keys:
        listed = rows.filter(pl.col("file_id").is_in(list(store_keys))).select(
            pl.col("file_id").replace_strict(store_keys, return_dtype=pl.Int32).alias("store_key"),
            "product_key",
        )
        current += _frames(execute(connection, _OF_PRODUCTS, **listed.unique().to_dict()))
    return pl.concat(current)


def _frames(stores: Iterable[Sequence[bytes]]) -> Iterable[pl.DataFrame]:
    for store_key, *arrays in stores:
        products, prices, unit_prices = (Array(array).integers() for array in arrays)
        yield pl.DataFrame({
            "store_key": np.full(len(products), int.from_bytes(store_key), np.int32),
            "product_key": products,
            "price": money(prices, null=NOTHING),
            "published_unit_price": money(unit_prices, null=NOTHING),
        })  # fmt: skip


def write_changes(connection: sa.Connection, done: Changes) -> None:
    """Write what `history` found out."""
    # In this order: an ended period is copied from the current row before that is removed or changed.
    for statement, frame in ((_END, done.ended), (_REMOVE, done.removed), (_UPDATE, done.updated)):
        if not frame.is_empty():
            execute(connection, statement, **frame.to_dict())
    copy_in(connection, "price_current", done.inserted)
    copy_in(connection, "price_past", done.started.filter(pl.col("valid_to").is_not_null()))
