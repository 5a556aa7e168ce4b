"""Retention of Dagster's own storage: deletes step events and step files of runs that ended long ago.

Dagster itself only purges ticks. Events of assets, asset checks and of the start and end of runs are kept, so
that partitions stay materialized; Dagster's `delete_run` would delete them, too. Files are on the machine
that executed a run, so each worker deletes its own.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from gogobe_dagster.postgres.run_queue import SCHEMA

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
HAS_QUEUE = "select count(*) > 0 from pg_tables where schemaname = :schema and tablename = 'step_log'"
DELETE_STEP_LOGS = f"delete from {SCHEMA}.step_log where stored_at < :until"  # noqa: S608 - a name of ours
DELETE_JOBS = f"""
delete from {SCHEMA}.procrastinate_jobs j where status not in ('todo', 'doing') and not exists (
    select from {SCHEMA}.procrastinate_events e where e.job_id = j.id and e.at >= :until)
"""  # noqa: S608 - names of ours
"""Jobs of runs that ended well are deleted at once; others tell run monitoring what became of their runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """Numbers of what was deleted."""

    runs: int
    events: int
    event_bytes: int
    folders: int


def purge(database_url: str, folder: Path, *, keep_days: int, now: datetime) -> Purged:
    """Delete step events, step outputs and step logs of runs that ended more than `keep_days` ago.

    Each transaction covers a few runs only, so that current runs are not blocked. Idempotent. Of the files,
    those in `folder` are deleted, which other machines have, too.
    """
    until = now - timedelta(days=keep_days)
    engine = sa.create_engine(database_url)
    events = size = 0
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
        with engine.begin() as connection:
            if connection.scalar(sa.text(HAS_QUEUE), {"schema": SCHEMA}):
                for statement in (DELETE_STEP_LOGS, DELETE_JOBS):
                    connection.execute(sa.text(statement), {"until": until})
    finally:
        engine.dispose()
    return Purged(
        runs=len(runs), events=events, event_bytes=int(size), folders=remove_old_folders(folder, until)
    )


def _chunks(runs: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(runs), RUNS_PER_TRANSACTION):
        yield list(runs[start : start + RUNS_PER_TRANSACTION])


def remove_old_folders(folder: Path, until: datetime) -> int:
    """Delete files in which steps of runs passed each other values, and their logs; return how many folders.

    Those are deleted in which nothing was made since `until`; a run takes hours at most. Idempotent.
    """
    removed = 0
    for path in (*_folders_of_runs(folder / "storage"), *_folders_of_runs(folder)):
        with suppress(OSError):  # another process may delete it as well
            if path.stat().st_mtime < until.timestamp():
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
    return removed


def _folders_of_runs(folder: Path) -> Iterator[Path]:
    """Yield the folders that are named by a run id; nothing else is ever deleted."""
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(ValueError):
            if str(UUID(path.name)) == path.name and path.is_dir():
                yield path
