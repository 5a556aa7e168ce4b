"""Removes from the lake what nothing refers to: drafts of killed writers, and files that no ledger row names.

A lake file becomes an orphan when its batch was killed before the ledger recorded it, or when all its files
were parsed again in other batches. What the ledger names stays, whatever its state: late files are merged by
replaying it. Retention decides how long it is kept.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.warehouse.schema.tables import file

LONGER_THAN_ANY_BATCH: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeCleanup:
    """The removed files, as paths in the lake."""

    drafts: tuple[str, ...]
    orphans: tuple[str, ...]
    bytes: int


def tidy_lake(
    engine: sa.Engine, lake: Lake, *, now: datetime, older_than: timedelta = LONGER_THAN_ANY_BATCH
) -> LakeCleanup:
    """Remove drafts and orphans that were written before `now - older_than`. Idempotent.

    A batch writes its file before the ledger names it, so `older_than` must exceed the longest batch.
    """
    # listed before the ledger is asked: what a batch finishes meanwhile is named, or not listed
    old = [file for file in lake.files() if file.modified_at < now - older_than]
    with engine.connect() as connection:
        query = sa.select(file.c.lake_path).where(file.c.lake_path.is_not(None)).distinct()
        named = set(connection.scalars(query))
    unwanted = [lake_file for lake_file in old if lake_file.path not in named]
    for entry in unwanted:
        lake.remove(entry.path)
    return LakeCleanup(
        drafts=tuple(entry.path for entry in unwanted if entry.is_draft),
        orphans=tuple(entry.path for entry in unwanted if not entry.is_draft),
        bytes=sum(entry.size for entry in unwanted),
    )
