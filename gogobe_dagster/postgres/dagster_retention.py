"""What Dagster keeps for ever and nobody reads: step events and files of runs that ended long ago.

Dagster itself purges only ticks. Events of assets, checks and of a run's end stay, so that partitions stay
materialized; `delete_run` would take those too, and is never used. Only SQL and folders here.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

KEPT = (
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
RUNS_AT_ONCE = 200
LOOKS_BACK = timedelta(days=60)
"""Runs that ended longer ago were purged by an earlier night, and are not looked through again."""
ENDED = """
select run_id from runs
where status in ('SUCCESS', 'FAILURE', 'CANCELED') and end_time >= :since and end_time < :until
order by end_time
"""
PURGE = """
with gone as (
    delete from event_logs
    where run_id = any(:runs)
      and (dagster_event_type is null or dagster_event_type <> all(:kept))
    returning octet_length(event) as bytes)
select count(*), coalesce(sum(bytes), 0) from gone
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What was removed."""

    runs: int
    events: int
    event_bytes: int
    folders: int


def purge(database_url: str, folder: Path, *, keep_days: int, now: datetime) -> Purged:
    """Remove step events, step outputs and step logs of runs that ended more than `keep_days` ago.

    A few runs a transaction, so that running ones are never held up. Idempotent.
    """
    until = now - timedelta(days=keep_days)
    engine = sa.create_engine(database_url)
    events = size = folders = 0
    try:
        with engine.connect() as connection:
            between = {"since": (until - LOOKS_BACK).timestamp(), "until": until.timestamp()}
            runs = list(connection.scalars(sa.text(ENDED), between))
        for some in _slices(runs):
            with engine.begin() as connection:
                row = connection.execute(sa.text(PURGE), {"runs": some, "kept": list(KEPT)}).one()
            events, size = events + row[0], size + row[1]
            folders += _remove_folders(folder, some)
    finally:
        engine.dispose()
    return Purged(runs=len(runs), events=events, event_bytes=int(size), folders=folders)


def _slices(runs: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(runs), RUNS_AT_ONCE):
        yield list(runs[start : start + RUNS_AT_ONCE])


def _remove_folders(folder: Path, runs: Iterable[str]) -> int:
    """Remove what steps handed each other and what they printed."""
    removed = 0
    for run in runs:
        name = str(UUID(run))  # nothing but a run's id is ever removed
        for path in (folder / "storage" / name, folder / name):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
                removed += 1
    return removed
