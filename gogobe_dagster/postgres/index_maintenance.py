"""Rebuilds bloated indexes (leaf density below 50 %) concurrently, without blocking readers or writers.

Short-lived rows, such as pending files and Dagster's step events, leave half-empty index pages behind, which
vacuum does not free. The density comes from the extension pgstattuple; without it nothing is rebuilt.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import NotSupportedError, ProgrammingError

from gogobe_dagster.sizes import MEGABYTE

MIN_BYTES = 16 * MEGABYTE
"""Smaller indexes are not worth a rebuild."""
MIN_DENSITY = 50.0
"""Percent of the leaf pages that must be filled; a new index fills 90."""
LARGE_INDEXES = """
select c.oid::regclass::text as name from pg_class c
join pg_index i on i.indexrelid = c.oid
join pg_am a on a.oid = c.relam and a.amname = 'btree'
where i.indisvalid and c.relkind = 'i' and pg_relation_size(c.oid) >= :min_bytes
    and pg_table_is_visible(c.oid) and c.relnamespace <> 'pg_catalog'::regnamespace
order by 1
"""
DENSITY = "select avg_leaf_density from pgstatindex(cast(:name as regclass))"
SIZE = "select pg_relation_size(cast(:name as regclass))"
INVALID_LEFTOVERS = """
select c.oid::regclass::text from pg_class c join pg_index i on i.indexrelid = c.oid
where not i.indisvalid and c.relname ~ '_ccnew[0-9]*$' and pg_table_is_visible(c.oid)
"""


def rebuild_bloated_indexes(
    engine: sa.Engine, *, min_bytes: int = MIN_BYTES, min_density: float = MIN_DENSITY
) -> dict[str, int]:
    """Rebuild bloated indexes; return the bytes freed by each.

    Invalid indexes that a killed rebuild left behind are dropped first. Idempotent.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in connection.scalars(sa.text(INVALID_LEFTOVERS)).all():
            connection.execute(sa.text(f"drop index concurrently if exists {name}"))
        return {name: _rebuild(connection, name) for name in _bloated(connection, min_bytes, min_density)}


def _bloated(connection: sa.Connection, min_bytes: int, min_density: float) -> Sequence[str]:
    large = connection.scalars(sa.text(LARGE_INDEXES), {"min_bytes": min_bytes}).all()
    if not large:
        return []
    try:
        connection.execute(sa.text("create extension if not exists pgstattuple"))
    except (NotSupportedError, ProgrammingError):  # not available on this server, or no permission
        return []
    density = sa.text(DENSITY)
    return [name for name in large if connection.scalar(density, {"name": name}) < min_density]


def _rebuild(connection: sa.Connection, name: str) -> int:
    before = connection.scalar(sa.text(SIZE), {"name": name})
    connection.execute(sa.text(f"reindex index concurrently {name}"))
    return int(before - connection.scalar(sa.text(SIZE), {"name": name}))
