"""Indexes that have come to consist mostly of holes, built anew while everybody goes on reading and writing.

Rows that come and go, such as pending files and Dagster's step events, leave half-empty pages behind that no
vacuum gives back. How full an index is, the extension pgstattuple tells; without it nothing is done.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import NotSupportedError, ProgrammingError

LEAST_BYTES = 16 * 1024 * 1024
"""Smaller indexes are not worth it."""
FULL_ENOUGH = 50.0
"""Percent of its leaf pages that an index fills; a new one fills 90."""
LARGE = """
select c.oid::regclass::text as name from pg_class c
join pg_index i on i.indexrelid = c.oid
join pg_am a on a.oid = c.relam and a.amname = 'btree'
where i.indisvalid and c.relkind = 'i' and pg_relation_size(c.oid) >= :least
    and pg_table_is_visible(c.oid) and c.relnamespace <> 'pg_catalog'::regnamespace
order by 1
"""
DENSITY = "select avg_leaf_density from pgstatindex(cast(:name as regclass))"
SIZE = "select pg_relation_size(cast(:name as regclass))"
LEFT_BEHIND = """
select c.oid::regclass::text from pg_class c join pg_index i on i.indexrelid = c.oid
where not i.indisvalid and c.relname ~ '_ccnew[0-9]*$' and pg_table_is_visible(c.oid)
"""


def rebuild_bloated_indexes(
    engine: sa.Engine, *, least_bytes: int = LEAST_BYTES, full_enough: float = FULL_ENOUGH
) -> dict[str, int]:
    """Build sparse indexes anew; return the bytes that each gave back.

    What a rebuild left behind when it was killed is removed first. Idempotent.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in connection.scalars(sa.text(LEFT_BEHIND)).all():
            connection.execute(sa.text(f"drop index concurrently if exists {name}"))
        return {name: _rebuild(connection, name) for name in _sparse(connection, least_bytes, full_enough)}


def _sparse(connection: sa.Connection, least_bytes: int, full_enough: float) -> Sequence[str]:
    large = connection.scalars(sa.text(LARGE), {"least": least_bytes}).all()
    if not large:
        return []
    try:
        connection.execute(sa.text("create extension if not exists pgstattuple"))
    except (NotSupportedError, ProgrammingError):  # a managed server that does not have it, or not for us
        return []
    density = sa.text(DENSITY)
    return [name for name in large if connection.scalar(density, {"name": name}) < full_enough]


def _rebuild(connection: sa.Connection, name: str) -> int:
    before = connection.scalar(sa.text(SIZE), {"name": name})
    connection.execute(sa.text(f"reindex index concurrently {name}"))
    return int(before - connection.scalar(sa.text(SIZE), {"name": name}))
