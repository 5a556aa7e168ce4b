"""Retention of Dagster's own storage: deletes step events and step files of runs that ended long ago.

Dagster itself only purges ticks. Events of assets, asset checks and of the start and end of runs are kept, so
that partitions stay materialized; Dagster's `delete_run` would delete them, too.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

KEPT_EVENT_TYPES = (
    "ASSET_MATERIALIZATION",
    "ASSET_MATERIALIZATION_PLANNED",
    "ASSET_OBSERVATION",
    "ASSET_CHECK_EVALUATION",
    "ASSET_CHECK_EVALUATION_PLANNED",
    "ASSET_FAILED_TO_MATERIALIZE",
    "PIPELINE_START",
    "PIPELINE_SUCCESS",
    "PIPELINE_FAILURE",
    "PIPELINE_CANCELED",
)
RUNS_PER_TRANSACTION = 200
LOOKBACK = timedelta(days=60)
"""Runs that ended longer before the limit were purged by earlier nights and are not read again."""
ENDED_RUNS = """
select run_id from runs
where status in ('SUCCESS', 'FAILURE', 'CANCELED') and end_time >= :since and end_time < :until
order by end_time
"""
DELETE_EVENTS = """
with deleted as (
    delete from event_logs
    where run_id = any(:runs)
      and (dagster_event_type is null or dagster_event_type <> all(:kept))
    returning octet_length(event) as bytes)
select count(*), coalesce(sum(bytes), 0) from deleted
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """Numbers of what was deleted."""

    runs: int
    events: int
    event_bytes: int
    folders: int


def purge(database_url: str, folder: Path, *, keep_days: int, now: datetime) -> Purged:
    """Delete step events, step outputs and step logs of runs that ended more than `keep_days` ago.

    Each transaction covers a few runs only, so that current runs are not blocked. Idempotent.
    """
    until = now - timedelta(days=keep_days)
    engine = sa.create_engine(database_url)
    events = size = folders = 0
    try:
        with engine.connect() as connection:
            between = {"since": (until - LOOKBACK).timestamp(), "until": until.timestamp()}
            runs = list(connection.scalars(sa.text(ENDED_RUNS), between))
        for chunk in _chunks(runs):
            with engine.begin() as connection:
                row = connection.execute(
                    sa.text(DELETE_EVENTS), {"runs": chunk, "kept": list(KEPT_EVENT_TYPES)}
                ).one()
            events, size = events + row[0], size + row[1]
            folders += _remove_folders(folder, chunk)
    finally:
        engine.dispose()
    return Purged(runs=len(runs), events=events, event_bytes=int(size), folders=folders)


def _chunks(runs: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(runs), RUNS_PER_TRANSACTION):
        yield list(runs[start : start + RUNS_PER_TRANSACTION])


def _remove_folders(folder: Path, runs: Iterable[str]) -> int:
    """Delete the files in which steps pass each other values, and their logs."""
    removed = 0
    for run in runs:
        name = str(UUID(run))  # validates it: only folders named by a run id are ever deleted
        for path in (folder / "storage" / name, folder / name):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
    return removed
