"""Puts failed files back by hand, so that the next run tries them again at once.

A file that its portal still lists is downloaded again. One that is no longer listed is parsed again from the
raw store, if that has it; otherwise nothing can be done for it, and it stays as it is.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from gogobe_dagster.errors import EXPECTED_CODES
from gogobe_dagster.warehouse.ledger.file_events import append_events, event
from gogobe_dagster.warehouse.ledger.model import FailedFiles, Requeued
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file, listing

STILL_LISTED = timedelta(days=1)
"""A file counts as listed if a listing showed it so shortly before the last one: some list a single day."""


def requeue(
    engine: sa.Engine,
    selection: FailedFiles,
    *,
    has_raw: Callable[[str], bool],
    now: datetime,
    dry_run: bool = False,
) -> Requeued:
    """Put the selected files back, in one transaction. `has_raw`: whether the raw store has a hash."""
    with engine.begin() as connection:
        rows = connection.execute(_failed(selection)).all()
        states = {row.file_id: _state_after(row, has_raw) for row in rows}
        if not dry_run:
            for state in (FileState.DISCOVERED, FileState.DOWNLOADED):
                _put_back(connection, [key for key, to in states.items() if to is state], state, now)
    return Requeued(
        to_download=_count(rows, states, FileState.DISCOVERED),
        to_parse=_count(rows, states, FileState.DOWNLOADED),
        unavailable=_count(rows, states, None),
    )


def _failed(selection: FailedFiles) -> sa.Select[Any]:
    """Select the newest revisions that failed: the portal no longer has the bytes of earlier ones."""
    newer = file.alias("newer")
    has_newer = sa.exists().where(
        newer.c.feed == file.c.feed, newer.c.name == file.c.name, newer.c.revision > file.c.revision
    )
    is_listed = file.c.last_seen_at >= listing.c.listed_at - STILL_LISTED
    has_failed = (file.c.state == FileState.QUARANTINED) | (
        (file.c.state == FileState.DISCOVERED) & file.c.code.is_not(None)
    )
    return (
        sa.select(file.c.file_id, file.c.code, file.c.sha256, is_listed.label("is_listed"))
        .join(listing, listing.c.feed == file.c.feed, isouter=True)
        .where(has_failed, ~has_newer, file.c.kind.is_not(None), *_conditions(selection))
        .order_by(file.c.file_id)
        .with_for_update(of=file)
    )


def _conditions(selection: FailedFiles) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [
        column.in_(list(values))
        for column, values in (
            (file.c.code, selection.codes),
            (file.c.feed, selection.feeds),
            (file.c.publication_day, selection.days),
        )
        if values
    ]
    if not selection.codes:
        conditions.append(file.c.code.not_in(EXPECTED_CODES))
    if selection.names:
        patterns = [_like_pattern(name) for name in selection.names]
        conditions.append(sa.or_(*[file.c.name.like(pattern, escape="\\") for pattern in patterns]))
    return conditions


def _like_pattern(name: str) -> str:
    for character in "\\%_":
        name = name.replace(character, f"\\{character}")
    return name.replace("*", "%")


def _state_after(row: sa.Row[Any], has_raw: Callable[[str], bool]) -> FileState | None:
    if row.is_listed:
        return FileState.DISCOVERED
    return FileState.DOWNLOADED if row.sha256 and has_raw(row.sha256) else None


def _put_back(connection: sa.Connection, ids: Collection[int], state: FileState, now: datetime) -> None:
    values = {"state": state, "attempts": 0, "code": None, "reason": None}
    values |= {"failing_since": None, "retry_at": None}
    connection.execute(sa.update(file).where(file.c.file_id.in_(ids)).values(values))
    append_events(connection, [event(file_id, state, at=now, detail="put back by hand") for file_id in ids])


def _count(
    rows: Sequence[sa.Row[Any]], states: dict[int, FileState | None], state: FileState | None
) -> dict[str, int]:
    counts = Counter(str(row.code) for row in rows if states[row.file_id] is state)
    return dict(sorted(counts.items()))
