"""Reading what holds and writing what changed: the SQL of price_current and price_history."""

from collections.abc import Sequence

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.warehouse.copying import copy_in, read_lines, stage
from gogobe_dagster.warehouse.history import PRICES, Changes, Statement

_LINES = """
select string_agg(concat_ws(',', store_key, product_key, price, coalesce(unit_price::text, ''),
    (date_part('epoch', valid_from) * 1000000)::bigint), E'\n')
from price_current
"""
_OF_STORES = f"{_LINES} where store_key = any(:stores)"
_OF_PRODUCTS = f"""
{_LINES}
join unnest(cast(:store_keys as int[]), cast(:product_keys as int[])) as wanted (store_key, product_key)
using (store_key, product_key)
"""
_END = """
update price_history h set valid_to = e.valid_to, ended_file_id = e.ended_file_id
from ended_period e
where h.store_key = e.store_key and h.product_key = e.product_key and h.valid_from = e.valid_from
and h.valid_from between :first and :last
"""
"""The bounds say nothing new; they let the planner look only at the months concerned."""
_UPDATE = """
update price_current c set price = n.price, unit_price = n.unit_price, priced_at = n.priced_at,
    valid_from = n.valid_from, file_id = n.file_id
from new_price n where c.store_key = n.store_key and c.product_key = n.product_key
"""
_REMOVE = """
delete from price_current c using gone_product g
where c.store_key = g.store_key and c.product_key = g.product_key
"""
_KEY = "store_key int, product_key int"
_PERIOD_END = f"{_KEY}, valid_from timestamptz, valid_to timestamptz, ended_file_id bigint"
_PRICE = (
    f"{_KEY}, price numeric, unit_price numeric, priced_at timestamptz,"
    " valid_from timestamptz, file_id bigint"
)


def read_held(connection: sa.Connection, statements: Sequence[Statement], rows: pl.DataFrame) -> pl.DataFrame:
    """Read what stores hold: all of those that a complete file speaks of, of others what is mentioned."""
    whole = {one.store_key for one in statements if one.is_complete}
    held = [read_lines(connection, _OF_STORES, PRICES.held, stores=sorted(whole))] if whole else []
    store_keys = {one.file_id: one.store_key for one in statements if one.store_key not in whole}
    if store_keys:
        mentioned = rows.filter(pl.col("file_id").is_in(list(store_keys))).select(
            store_keys=pl.col("file_id").replace_strict(store_keys, return_dtype=pl.Int32),
            product_keys=pl.col("product_key"),
        )
        wanted = mentioned.unique().to_dict(as_series=False)
        held.append(read_lines(connection, _OF_PRODUCTS, PRICES.held, **wanted))
    return pl.concat([pl.DataFrame(schema=PRICES.held), *held])


def write_changes(connection: sa.Connection, done: Changes) -> None:
    """Write what `history` found out."""
    if not done.ended.is_empty():
        stage(connection, "ended_period", _PERIOD_END, done.ended)
        first, last = done.ended.select(
            first=pl.col("valid_from").min(), last=pl.col("valid_from").max()
        ).row(0)
        connection.execute(sa.text(_END), {"first": first, "last": last})
    if not done.removed.is_empty():
        stage(connection, "gone_product", _KEY, done.removed)
        connection.execute(sa.text(_REMOVE))
    if not done.updated.is_empty():
        stage(connection, "new_price", _PRICE, done.updated)
        connection.execute(sa.text(_UPDATE))
    copy_in(connection, "price_current", done.inserted)
    copy_in(connection, "price_history", done.started)
