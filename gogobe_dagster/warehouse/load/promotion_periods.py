"""Reading the open periods of stores and writing what changed: the SQL of promotion_store."""

from collections.abc import Sequence

import polars as pl
import sqlalchemy as sa

from gogobe_dagster.warehouse.bulk_io.pg_copy import copy_in, read_lines, stage
from gogobe_dagster.warehouse.history.periods import PROMOTIONS, Changes, StoreFile

_LINES = """
select string_agg(concat_ws(',', store_key, '"' || replace(promotion_id, '"', '""') || '"', promotion_key),
    E'\n')
from promotion_store
"""
_OF_STORES = f"{_LINES} where valid_to is null and store_key = any(:stores)"
_OF_PROMOTIONS = f"""
{_LINES}
join unnest(cast(:store_keys as int[]), cast(:promotion_ids as text[])) as wanted (store_key, promotion_id)
using (store_key, promotion_id) where valid_to is null
"""
_END = """
update promotion_store s set valid_to = e.valid_to, closed_by_file_id = e.closed_by_file_id
from ended_promotion e
where s.store_key = e.store_key and s.promotion_id = e.promotion_id and s.valid_to is null
"""
_ENDED = "store_key int, promotion_id text, valid_to timestamptz, closed_by_file_id bigint"


def read_open_periods(
    connection: sa.Connection, statements: Sequence[StoreFile], rows: pl.DataFrame
) -> pl.DataFrame:
    """Read open periods: all of stores with a complete file, of others those of the listed promotions."""
    whole = {statement.store_key for statement in statements if statement.is_complete}
    periods = [read_lines(connection, _OF_STORES, PROMOTIONS.current, stores=sorted(whole))] if whole else []
    store_keys = {
        statement.file_id: statement.store_key for statement in statements if statement.store_key not in whole
    }
    if store_keys:
        mentioned = rows.filter(pl.col("file_id").is_in(list(store_keys))).select(
            store_keys=pl.col("file_id").replace_strict(store_keys, return_dtype=pl.Int32),
            promotion_ids=pl.col("promotion_id"),
        )
        wanted = mentioned.unique().to_dict(as_series=False)
        periods.append(read_lines(connection, _OF_PROMOTIONS, PROMOTIONS.current, **wanted))
    return pl.concat([pl.DataFrame(schema=PROMOTIONS.current), *periods])


def write_periods(connection: sa.Connection, done: Changes) -> None:
    """Write what `history` found out."""
    if not done.ended.is_empty():
        stage(connection, "ended_promotion", _ENDED, done.ended)
        connection.execute(sa.text(_END))
    copy_in(connection, "promotion_store", done.started)
