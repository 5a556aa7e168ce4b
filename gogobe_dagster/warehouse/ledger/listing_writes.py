"""How a listing and a parse report are compared with what the ledger knows, and written down.

Both run inside the transaction of a `Ledger` method, which is the way in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from gogobe_dagster.errors import Code, CodedError
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.files.notes import Note
from gogobe_dagster.warehouse.ledger.file_events import append_events, clean, event, replace_rejects
from gogobe_dagster.warehouse.ledger.file_rows import FILE_COLUMNS, as_file
from gogobe_dagster.warehouse.ledger.model import LedgerFile, ListedFile, ListingResult, ParsedEntry
from gogobe_dagster.warehouse.ledger.publication_time import publication_time
from gogobe_dagster.warehouse.ledger.retry_schedule import after_failure
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.enums import OPEN_STATES, FileState
from gogobe_dagster.warehouse.schema.tables import archived_file, file, listing

MAX_REJECTED_SHARE = 0.1
"""A full file of which a larger share is unreadable does not say what is gone: its dialect has changed."""
_TOUCH = sa.text("""
with locked as (select file_id from file where file_id = any(:ids) order by file_id for no key update)
update file set link = seen.link, last_seen_at = greatest(last_seen_at, :now)
from locked
join unnest(cast(:ids as bigint[]), cast(:links as text[])) as seen (file_id, link) using (file_id)
where file.file_id = locked.file_id
""")
"""Locked in the order in which `write_parsed` locks, or the two would deadlock."""


def record(
    connection: sa.Connection, feed_key: str, sightings: Sequence[ListedFile], *, now: datetime
) -> ListingResult:
    """Write down what a listing shows. The same listing again changes nothing but when it was last seen."""
    lock(connection, AdvisoryLock.LISTING, feed_key)
    listed_before = connection.scalar(sa.select(listing.c.listed_at).where(listing.c.feed == feed_key))
    seen = {clean(sighting.name): sighting for sighting in sightings}
    newest = _newest_revisions(connection, feed_key, seen)
    archived = _archived(connection, feed_key, seen.keys() - newest.keys())
    seen = {name: sighting for name, sighting in seen.items() if name not in archived}
    new = {name: seen_file for name, seen_file in seen.items() if name not in newest}
    changed = {
        name: seen_file
        for name, seen_file in seen.items()
        if name in newest and _has_changed(seen_file, newest[name])
    }
    known = {name: seen_file for name, seen_file in seen.items() if name not in new and name not in changed}
    _touch(connection, {newest[name].id: row for name, row in known.items()}, now)
    _release(
        connection,
        {newest[name].id: row for name, row in known.items() if _is_wanted_now(row, newest[name], now)},
        now,
    )
    _supersede(connection, [newest[name] for name in changed], now)
    revisions = {name: newest[name].revision + 1 for name in changed}
    first_seen = {
        name: replace(row, published_at=publication_time(row, listed_before=listed_before, now=now))
        for name, row in {**new, **changed}.items()
    }
    _insert(connection, feed_key, first_seen, revisions, now)
    return ListingResult(
        listed=len(seen) + len(archived),
        new=len(new),
        known=len(known) + len(archived),
        republished=len(changed),
        quarantined=sum(row.problem is not None for row in (*new.values(), *changed.values())),
    )


def _newest_revisions(
    connection: sa.Connection, feed_key: str, names: Collection[str]
) -> dict[str, LedgerFile]:
    query = (
        sa.select(*FILE_COLUMNS)
        .distinct(file.c.name)
        .where(file.c.feed == feed_key, file.c.name == sa.any_(sa.cast(list(names), sa.ARRAY(sa.Text))))
        .order_by(file.c.name, file.c.revision.desc())
    )
    return {row.name: as_file(row) for row in connection.execute(query)}


def _archived(connection: sa.Connection, feed_key: str, names: Collection[str]) -> set[str]:
    """Return which of these names are of loaded files that `file` has no more."""
    is_one = archived_file.c.name == sa.any_(sa.cast(list(names), sa.ARRAY(sa.Text)))
    query = sa.select(archived_file.c.name).where(archived_file.c.feed == feed_key, is_one)
    return set(connection.scalars(query)) if names else set()


def _has_changed(seen: ListedFile, known: LedgerFile) -> bool:
    """Compare listing with listing; the size of the bytes themselves may differ from what a portal says."""
    slack = max(seen.size_tolerance, known.size_tolerance)
    has_sizes = seen.size is not None and known.listed_size is not None
    other_size = has_sizes and abs((seen.size or 0) - (known.listed_size or 0)) > slack
    has_times = seen.modified_at is not None and known.modified_at is not None
    return other_size or bool(has_times and seen.modified_at > known.modified_at)  # type: ignore[operator]


def _is_wanted_now(seen: ListedFile, known: LedgerFile, now: datetime) -> bool:
    """Whether a quarantined file is tried: its next try is due, or only its listing kept it out until now."""
    if known.state is not FileState.QUARANTINED or seen.problem is not None:
        return False
    return not known.attempts if known.retry_at is None else known.retry_at <= now


def _touch(connection: sa.Connection, seen: Mapping[int, ListedFile], now: datetime) -> None:
    links = [clean(seen_file.link) for seen_file in seen.values()]
    connection.execute(_TOUCH, {"now": now, "ids": list(seen), "links": links})


def _release(connection: sa.Connection, wanted: Mapping[int, ListedFile], now: datetime) -> None:
    for file_id, row in wanted.items():
        values = _of_name(row) | {"state": FileState.DISCOVERED, "code": None, "reason": None}
        values |= {
            "retry_at": None,
            "published_at": sa.func.coalesce(file.c.published_at, row.published_at),
        }
        connection.execute(sa.update(file).where(file.c.file_id == file_id).values(values))
    append_events(
        connection, [event(file_id, FileState.DISCOVERED, at=now, detail="wanted now") for file_id in wanted]
    )


def _supersede(connection: sa.Connection, replaced: Sequence[LedgerFile], now: datetime) -> None:
    """Give up revisions that were never fetched: the portal has other bytes under their name now."""
    ids = [known.id for known in replaced if known.state is FileState.DISCOVERED]
    connection.execute(sa.update(file).where(file.c.file_id.in_(ids)).values(state=FileState.SUPERSEDED))
    why = {"code": Code.REPUBLISHED_SAME_NAME, "detail": "replaced before it was fetched"}
    append_events(connection, [event(file_id, FileState.SUPERSEDED, at=now, **why) for file_id in ids])


def _insert(
    connection: sa.Connection,
    feed_key: str,
    seen: Mapping[str, ListedFile],
    revisions: Mapping[str, int],
    now: datetime,
) -> None:
    rows = [
        {
            "feed": feed_key,
            "name": name,
            "revision": revisions.get(name, 1),
            "first_seen_at": now,
            "last_seen_at": now,
            **_of_listing(seen_file),
            **_of_name(seen_file),
            **_initial_state(seen_file),
        }
        for name, seen_file in seen.items()
    ]
    if not rows:
        return
    insert = sa.insert(file).returning(file.c.file_id, file.c.name)
    ids = {name: file_id for file_id, name in connection.execute(insert, rows)}
    append_events(
        connection,
        [_first_event(ids[name], seen_file, revisions.get(name), now) for name, seen_file in seen.items()],
    )


def _first_event(file_id: int, seen: ListedFile, revision: int | None, now: datetime) -> dict[str, Any]:
    fate = _initial_state(seen)
    if revision and not fate["code"]:
        fate |= {"code": Code.REPUBLISHED_SAME_NAME, "reason": f"revision {revision}"}
    return event(file_id, fate["state"], at=now, code=fate["code"], detail=fate["reason"])


def _of_listing(seen: ListedFile) -> dict[str, Any]:
    return {
        "link": clean(seen.link),
        "listed_size": seen.size,
        "size_tolerance": seen.size_tolerance,
        "modified_at": seen.modified_at,
    }


def _of_name(seen: ListedFile) -> dict[str, Any]:
    return {
        "publication_day": seen.publication_day,
        "kind": seen.kind,
        "chain_id": seen.chain_id,
        "sub_chain_id": seen.sub_chain_id,
        "store_id": seen.store_id,
        "published_at": seen.published_at,
    }


def _initial_state(seen: ListedFile) -> dict[str, Any]:
    if seen.problem is None:
        return {"state": FileState.DISCOVERED, "code": None, "reason": None}
    return {"state": FileState.QUARANTINED, "code": seen.problem.code, "reason": clean(seen.problem.reason)}


def write_failure(
    connection: sa.Connection, file_id: int, error: CodedError, *, now: datetime, max_attempts: int
) -> None:
    """Write down that a pending file failed, and when it is tried again."""
    open_file = sa.select(file.c.state, file.c.attempts, file.c.failing_since).where(
        file.c.file_id == file_id, file.c.state.in_(OPEN_STATES)
    )
    known = connection.execute(open_file.with_for_update()).first()
    if known is None:
        return
    now = now.astimezone(UTC)  # adding to local time would be wrong when the clock changes
    failing_since = known.failing_since or now
    next_try = after_failure(
        error.code,
        state=FileState(known.state),
        attempts=known.attempts,
        failing_since=failing_since,
        now=now,
        max_attempts=max_attempts,
    )
    values = {"code": error.code, "reason": clean(error.reason), "failing_since": failing_since}
    update = sa.update(file).where(file.c.file_id == file_id)
    connection.execute(update.values(values | asdict(next_try)))
    append_events(connection, [event(file_id, next_try.state, at=now, code=error.code, detail=error.reason)])


def write_parsed(connection: sa.Connection, entries: Sequence[ParsedEntry], *, now: datetime) -> None:
    """Write down what reading gave, of the files that wait to be read or to be loaded; others are let be."""
    by_id = {entry.file_id: entry for entry in entries}
    claim = (
        sa.select(file.c.file_id, file.c.kind)
        .where(file.c.file_id.in_(by_id), file.c.state.in_([FileState.DOWNLOADED, FileState.PARSED]))
        .order_by(file.c.file_id)
        .with_for_update()
    )
    kinds = {file_id: FileKind(kind) for file_id, kind in connection.execute(claim)}
    if not kinds:
        return
    update = sa.update(file).where(file.c.file_id == sa.bindparam("this"))
    rows = [
        _of_report(by_id[file_id], kind) | {"this": file_id, "parsed_at": now}
        for file_id, kind in kinds.items()
    ]
    connection.execute(update, rows)
    replace_rejects(connection, {file_id: by_id[file_id].samples for file_id in kinds}, stage="parse")
    append_events(connection, [_parsed_event(by_id[file_id], now) for file_id in kinds])


def _parsed_event(entry: ParsedEntry, now: datetime) -> dict[str, Any]:
    detail = f"{entry.rows} rows, {entry.rejected} rejected, {entry.duplicates} duplicates"
    return event(entry.file_id, FileState.PARSED, at=now, detail=detail)


def _of_report(entry: ParsedEntry, kind: FileKind) -> dict[str, Any]:
    plain = ("chain_id", "sub_chain_id", "store_id", "lake_path", "rows", "rejected", "duplicates", "reader",
             "dialect", "container", "encoding", "is_damaged")  # fmt: skip
    return {name: getattr(entry, name) for name in plain} | {
        "state": FileState.PARSED,
        "code": None,
        "reason": None,
        "failing_since": None,
        "retry_at": None,
        "reject_reasons": dict(entry.reject_reasons),
        "unknown_elements": dict(entry.unknown_elements),
        "unreadable_fields": dict(entry.unreadable_fields),
        "notes": [*entry.notes, *([Note.TOO_MANY_REJECTS] if kind.is_full and _is_doubtful(entry) else [])],
        "is_complete": _is_complete(entry, kind),
        "is_sub_chain_inferred": False,
    }


def _is_complete(entry: ParsedEntry, kind: FileKind) -> bool:
    """Whether what the file does not list is gone. A damaged, empty or doubtful full file never says so."""
    return kind.is_full and entry.rows > 0 and not entry.is_damaged and not _is_doubtful(entry)


def _is_doubtful(entry: ParsedEntry) -> bool:
    """Whether so much of the file could not be read that what it does not list may stand in the rest."""
    return entry.rejected > MAX_REJECTED_SHARE * (entry.rows + entry.rejected)
