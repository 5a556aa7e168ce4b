"""The ledger: the life of every file that a listing ever showed. Nothing in it is ever deleted.

discovered → downloaded → parsed → loaded; or superseded (replaced on the portal before it was downloaded);
or quarantined with a code and a reason. Every step is one short transaction that also writes a file_event.
The last step, `loaded`, belongs to `load`, in the transaction of the rows. `listing_writes` has the SQL for
listings and parse reports, `file_events` the SQL for events.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from gogobe_dagster.errors import CodedError
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.warehouse.ledger.file_events import append_events, clean, event, update_listing
from gogobe_dagster.warehouse.ledger.file_rows import ARCHIVED_COLUMNS, FILE_COLUMNS, as_file
from gogobe_dagster.warehouse.ledger.listing_writes import record, write_failure, write_parsed
from gogobe_dagster.warehouse.ledger.model import (
    FeedHealth,
    LedgerFile,
    ListedFile,
    ListingResult,
    ParsedEntry,
)
from gogobe_dagster.warehouse.schema.enums import OPEN_STATES, FileState
from gogobe_dagster.warehouse.schema.tables import archived_file, file, listing

_SUMS = (*FileState, "rows")
_NEWEST = ("newest_full_at", "last_loaded_at")
_VIEW = sa.table("feed_health", *map(sa.column, ("feed", "publication_day", *_SUMS, *_NEWEST)))


class Ledger:
    """The ledger in PostgreSQL. Every method is one transaction and may be repeated."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def record(self, feed_key: str, sightings: Sequence[ListedFile], *, now: datetime) -> ListingResult:
        """Write down what a listing shows: one row a name and revision. Writers of one feed take turns."""
        with self._engine.begin() as connection:
            recorded = record(connection, feed_key, sightings, now=now)
            update_listing(
                connection, feed_key, listed_at=now, listed=recorded.listed, code=None, reason=None
            )
        return recorded

    def record_failure(self, feed_key: str, error: CodedError, *, now: datetime) -> None:
        """Write down that a portal could not be listed; its files stay as they are."""
        with self._engine.begin() as connection:
            update_listing(connection, feed_key, failed_at=now, code=error.code, reason=clean(error.reason))

    def to_download(
        self, feed_key: str, days: Collection[date], *, now: datetime | None = None
    ) -> list[LedgerFile]:
        """Files to download, without those that failed and wait longer than `now` for their next try.

        Store lists and full files come first, because the most depends on them; files that failed come last,
        so that they do not keep a portal that refuses them from delivering the others.
        """
        has_failed = file.c.code.is_not(None)
        is_small = file.c.kind.not_in([kind for kind in FileKind if kind.is_full])
        is_pending = file.c.state == FileState.DISCOVERED
        order = [has_failed, is_small]
        return self._files(*_of(feed_key, days), is_pending, _is_due(now), order=order)

    def to_parse(self, feed_key: str, days: Collection[date]) -> list[LedgerFile]:
        """Files to read, by stamp."""
        return self._files(*_of(feed_key, days), file.c.state == FileState.DOWNLOADED)

    def to_load(self, feed_key: str, days: Collection[date], document: Document) -> list[LedgerFile]:
        """Files of one document to bring into the tables, by stamp."""
        kinds = [kind for kind in FileKind if kind.document is document]
        return self._files(*_of(feed_key, days), file.c.state == FileState.PARSED, file.c.kind.in_(kinds))

    def pending(self, feed_key: str, *, now: datetime | None = None) -> list[LedgerFile]:
        """Files of all days with something left to do, without those that wait longer than `now`."""
        return self._files(file.c.feed == feed_key, file.c.state.in_(OPEN_STATES), _is_due(now))

    def known_names(self, feed_key: str) -> set[str]:
        """Every name that a listing of this feed ever showed."""
        with self._engine.connect() as connection:
            return set(connection.scalars(sa.select(file.c.name).where(file.c.feed == feed_key)))

    def of_days(self, feed_key: str, days: Collection[date]) -> list[LedgerFile]:
        """All files of these days, by stamp."""
        return self._files(*_of(feed_key, days))

    def archived_of_days(self, feed_key: str, days: Collection[date]) -> list[LedgerFile]:
        """Archived files of these days, by stamp. What the archive does not keep is empty."""
        of_days = archived_file.c.feed == feed_key, archived_file.c.publication_day.in_(list(days))
        query = sa.select(*ARCHIVED_COLUMNS).where(*of_days)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(archived_file.c.published_at, archived_file.c.file_id))
            return [as_file(row) for row in rows]

    def files(self, ids: Collection[int]) -> list[LedgerFile]:
        """Return these files, by stamp."""
        return self._files(file.c.file_id.in_(list(ids)))

    def _files(
        self, *where: sa.ColumnElement[bool], order: Sequence[sa.ColumnElement[Any]] = ()
    ) -> list[LedgerFile]:
        query = sa.select(*FILE_COLUMNS).where(*where)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(*order, file.c.published_at, file.c.file_id)).all()
        return [as_file(row) for row in rows]

    def mark_downloaded(self, file_id: int, *, sha256: str, size: int, now: datetime) -> None:
        """Note where the bytes are. A file that is further already stays where it is."""
        values = {"state": FileState.DOWNLOADED, "sha256": sha256, "size": size, "downloaded_at": now}
        update = (
            sa.update(file)
            .where(file.c.file_id == file_id, file.c.state == FileState.DISCOVERED)
            .values(**values, code=None, reason=None, failing_since=None, retry_at=None)
        )
        with self._engine.begin() as connection:
            if connection.execute(update).rowcount:
                append_events(
                    connection, [event(file_id, FileState.DOWNLOADED, at=now, detail=f"{size} bytes")]
                )

    def mark_failed(self, file_id: int, error: CodedError, *, now: datetime, max_attempts: int) -> None:
        """Write down a failure of one file, and when it is tried again: see `retry_schedule`."""
        with self._engine.begin() as connection:
            write_failure(connection, file_id, error, now=now, max_attempts=max_attempts)

    def mark_lost(self, file_id: int, error: CodedError, *, now: datetime, max_attempts: int) -> None:
        """Let a file whose bytes were lost be downloaded again; no attempt left: it is quarantined."""
        may_retry = file.c.attempts + 1 < max_attempts
        values = {
            "attempts": file.c.attempts + 1,
            "code": error.code,
            "reason": clean(error.reason),
            "state": sa.case((may_retry, FileState.DISCOVERED.value), else_=FileState.QUARANTINED.value),
        }
        is_downloaded = (file.c.file_id == file_id, file.c.state == FileState.DOWNLOADED)
        update = sa.update(file).where(*is_downloaded).values(values).returning(file.c.state)
        with self._engine.begin() as connection:
            states = connection.scalars(update).all()
            append_events(
                connection, [event(file_id, s, at=now, code=error.code, detail=error.reason) for s in states]
            )

    def mark_untried(self, file_id: int, error: CodedError, *, now: datetime) -> None:
        """Write down why a file was not delivered: its portal refuses all. No attempt is counted."""
        update = (
            sa.update(file)
            .where(file.c.file_id == file_id, file.c.state.in_(OPEN_STATES))
            .values(code=error.code, reason=clean(error.reason))
            .returning(file.c.state)
        )
        with self._engine.begin() as connection:
            states = connection.scalars(update).all()
            append_events(
                connection, [event(file_id, s, at=now, code=error.code, detail=error.reason) for s in states]
            )

    def mark_parsed(self, entries: Sequence[ParsedEntry], *, now: datetime) -> None:
        """Note what reading gave. Files that are not waiting to be read, or to be loaded, are left alone."""
        with self._engine.begin() as connection:
            write_parsed(connection, entries, now=now)

    def feed_health(self, days: Collection[date] | None = None) -> list[FeedHealth]:
        """Count files by state for every feed that was ever polled; of all days unless given."""
        counted = _counted(days).subquery()
        feed = sa.func.coalesce(counted.c.feed, listing.c.feed)
        query = (
            sa.select(
                feed.label("feed"),
                *[sa.func.coalesce(counted.c[name], 0).label(name) for name in _SUMS],
                *[counted.c[name] for name in _NEWEST],
                listing.c.listed_at,
                listing.c.code.label("listing_code"),
            )
            # a portal that never answered has no files, and must be seen all the same
            .select_from(counted.join(listing, listing.c.feed == counted.c.feed, full=True))
            .order_by(feed)
        )
        with self._engine.connect() as connection:
            return [FeedHealth(**row) for row in connection.execute(query).mappings()]


def _counted(days: Collection[date] | None) -> sa.Select[Any]:
    sums = [sa.func.sum(_VIEW.c[name]).cast(sa.BigInteger).label(name) for name in _SUMS]
    newest = [sa.func.max(_VIEW.c[name]).label(name) for name in _NEWEST]
    query = sa.select(_VIEW.c.feed, *sums, *newest).group_by(_VIEW.c.feed)
    return query if days is None else query.where(_VIEW.c.publication_day.in_(list(days)))


def _is_due(now: datetime | None) -> sa.ColumnElement[bool]:
    return sa.true() if now is None else file.c.retry_at.is_(None) | (file.c.retry_at <= now)


def _of(feed_key: str, days: Collection[date]) -> tuple[sa.ColumnElement[bool], ...]:
    return file.c.feed == feed_key, file.c.publication_day.in_(list(days))
