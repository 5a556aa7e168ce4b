"""Moves what the ledger has of long finished files to the narrow table `archived_file`.

A file goes when nothing can need its details any more: it is loaded, its portal has not listed it for the
time of the setting, and its bytes and rows are gone from raw store and lake. What stays in `file`: store
lists; files that disagree with their name about the store; the oldest and newest of each store and kind, by
which lateness, rebuilds and the days of a store are decided; the first file of a promotion that is on.
"""

from datetime import datetime

import sqlalchemy as sa

from gogobe_dagster.files.raw_store import RawStore
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.warehouse.history.retention_watermark import (
    LAKE,
    LEDGER,
    raise_watermark,
    removed_until,
)

AT_ONCE = 5_000
_CANDIDATES = sa.text("""
select file_id, sha256, lake_path, published_at from file f
where file_id > :after and state = 'loaded' and kind <> 'stores' and last_seen_at < :before
    and published_at <= :until and not is_sub_chain_inferred
    and (notes @> '"store_mismatch"') is not true
    and exists (select from file n where n.state = 'loaded' and n.chain_id = f.chain_id
        and n.sub_chain_id = f.sub_chain_id and n.store_id = f.store_id and n.kind = f.kind
        and n.is_complete = f.is_complete and n.published_at > f.published_at)
    and exists (select from file n where n.state = 'loaded' and n.chain_id = f.chain_id
        and n.sub_chain_id = f.sub_chain_id and n.store_id = f.store_id and n.kind = f.kind
        and n.is_complete = f.is_complete and n.published_at < f.published_at)
order by file_id limit :at_once
""")
_NEEDED = sa.text("""
select file_id from promotion_store where valid_to is null and file_id = any(:ids)
""")
_ARCHIVE = (
    "delete from file_event where file_id = any(:ids)",
    "delete from reject where file_id = any(:ids)",
    """
    with moved as (delete from file where file_id = any(:ids) returning *)
    insert into archived_file (file_id, published_at, loaded_at, size, publication_day, revision, rows,
        rejected, sub_chain_id, store_id, sha256, feed, name, kind, chain_id)
    select file_id, published_at, loaded_at, size, publication_day, revision,
        rows - coalesce(rows_skipped, 0), coalesce(rejected, 0) + coalesce(rows_skipped, 0),
        sub_chain_id, store_id, decode(sha256, 'hex'), feed, name, kind, chain_id
    from moved
    """,
)


def archive_files(
    engine: sa.Engine, raw_store: RawStore, lake: Lake, before: datetime, *, dry_run: bool = False
) -> int:
    """Archive files that were last listed before a time; return their number. Idempotent."""
    with engine.begin() as connection:
        until = removed_until(connection, LAKE)
    if until is None:
        return 0
    archived, after = 0, 0
    while True:
        limits = {"after": after, "before": before, "until": until, "at_once": AT_ONCE}
        with engine.begin() as connection:
            candidates = connection.execute(_CANDIDATES, limits).all()
            lost = {path: not lake.has(path) for path in {row.lake_path for row in candidates}}
            gone = [row for row in candidates if lost[row.lake_path] and not _has(raw_store, row.sha256)]
            needed = set(connection.scalars(_NEEDED, {"ids": [row.file_id for row in gone]}))
            done = [row for row in gone if row.file_id not in needed]
            archived += len(done)
            if done and not dry_run:
                raise_watermark(connection, LEDGER, max(row.published_at for row in done))
                for statement in _ARCHIVE:
                    connection.execute(sa.text(statement), {"ids": [row.file_id for row in done]})
        if len(candidates) < AT_ONCE:
            return archived
        after = candidates[-1].file_id


def _has(raw_store: RawStore, sha256: str | None) -> bool:
    return sha256 is not None and raw_store.has(sha256)
