"""Retention of raw files, lake, history, rejects, events and details of the ledger.

What became of a file, and products, stay forever.

Nothing that is still needed is removed. Raw bytes stay until their file is in the tables. A lake file stays
until all of its files are. Store lists stay forever: they are small, and a rebuild needs all of them.

A late file of prices or promotions is applied by undoing history back to its timestamp and applying the
later files again from the lake (`late_files`). Before anything is removed, a watermark is therefore raised in
the same database: the newest timestamp of the removed lake files, the newest end of the removed periods. A
late file that is not newer than both is quarantined; a newer one needs nothing that was removed.

A period of prices or promotions is removed when it has ended before the limit, an open period never. Prices
are removed by whole months (`price_retention`). A promotion version is removed with its last period
(`promotion_retention`). Every step may be killed; the next run does it again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

import sqlalchemy as sa

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.raw_store import RawStore
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.history.retention_watermark import LAKE, raise_watermark
from gogobe_dagster.warehouse.maintenance.ledger_archive import archive_files
from gogobe_dagster.warehouse.maintenance.price_retention import delete_periods, drop_months
from gogobe_dagster.warehouse.maintenance.promotion_retention import remove_contents, remove_periods
from gogobe_dagster.warehouse.schema.enums import OPEN_STATES
from gogobe_dagster.warehouse.schema.tables import file, file_event, reject

GRACE = timedelta(days=1)
"""Bytes younger than this stay, whatever the ledger says: a download is recorded after it is saved."""
AT_ONCE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Retention of each kind in days; 0 keeps it forever."""

    raw: int
    """Counted from loading, or from the download where a file is quarantined."""
    lake: int
    """After publication."""
    history: int
    """After a period has ended."""
    rejects: int
    events: int
    file_details: int
    """After a listing last contained the file."""

    @classmethod
    def of(cls, settings: Settings) -> "Keep":
        """Return what the settings say."""
        return cls(
            raw=settings.keep_raw_days,
            lake=settings.keep_lake_days,
            history=settings.keep_history_days,
            rejects=settings.keep_rejects_days,
            events=settings.keep_file_events_days,
            file_details=settings.keep_file_details_days,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """How much of one kind was removed."""

    count: int = 0
    bytes: int = 0
    """Zero for rows: their space is used again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """Removed, by kind: `raw`, `lake`, `periods` and so on, as `commands.retain` names them."""

    removed: Mapping[str, Removed] = field(default_factory=dict)


def retain(
    engine: sa.Engine, raw_store: RawStore, lake: Lake, keep: Keep, *, now: datetime, dry_run: bool = False
) -> Retained:
    """Remove what is older than its retention. Idempotent. A dry run only counts."""
    removed: dict[str, Removed] = {}
    if keep.raw:
        removed["raw"] = _raw(engine, raw_store, _before(now, keep.raw), now=now, dry_run=dry_run)
    if keep.lake:
        removed["lake"] = _lake(engine, lake, _before(now, keep.lake), dry_run=dry_run)
    if keep.history:
        removed |= _history(engine, _before(now, keep.history), dry_run=dry_run)
    if keep.rejects:
        removed["rejects"] = _rejects(engine, _before(now, keep.rejects), dry_run=dry_run)
    if keep.events:
        removed["events"] = _events(engine, _before(now, keep.events), dry_run=dry_run)
    if keep.file_details:
        before = _before(now, keep.file_details)
        archived = archive_files(engine, raw_store, lake, before, dry_run=dry_run)
        removed["file_details"] = Removed(count=archived)
    return Retained(removed=removed)


def _before(now: datetime, days: int) -> datetime:
    """Midnight in Israel this number of days ago: whole publication days are deleted."""
    return datetime.combine(day_of(now) - timedelta(days=days), time(), tzinfo=ISRAEL)


def _raw(
    engine: sa.Engine, raw_store: RawStore, before: datetime, *, now: datetime, dry_run: bool
) -> Removed:
    done_at = sa.func.coalesce(file.c.loaded_at, file.c.downloaded_at, file.c.first_seen_at)
    is_needed = sa.func.bool_or(file.c.state.in_(OPEN_STATES) | (done_at >= before))
    sizes = raw_store.sizes()
    count = size = 0
    for chunk in _chunks(sizes):
        known = sa.select(file.c.sha256).where(file.c.sha256 == sa.any_(sa.cast(chunk, sa.ARRAY(sa.Text))))
        with engine.connect() as connection:
            done = connection.scalars(known.group_by(file.c.sha256).having(~is_needed)).all()
        for sha256 in done:
            if raw_store.stored_at(sha256) < now - GRACE:
                count, size = count + 1, size + sizes[sha256]
                if not dry_run:
                    raw_store.remove(sha256)
    return Removed(count=count, bytes=size)


def _lake(engine: sa.Engine, lake: Lake, before: datetime, *, dry_run: bool) -> Removed:
    is_needed = file.c.state.in_(OPEN_STATES) | (file.c.published_at >= before)
    found = lake.sizes(before=day_of(before))
    sizes = {path: size for path, size in found.items() if not path.startswith(f"{Document.STORES}/")}
    count = size = 0
    for chunk in _chunks(sizes):
        paths = file.c.lake_path == sa.any_(sa.cast(chunk, sa.ARRAY(sa.Text)))
        of_path = sa.select(file.c.lake_path, sa.func.max(file.c.published_at)).where(paths)
        with engine.begin() as connection:
            query = of_path.group_by(file.c.lake_path).having(~sa.func.bool_or(is_needed))
            done = dict(connection.execute(query).tuples().all())
            if done and not dry_run:
                raise_watermark(connection, LAKE, max(done.values()))
        for path in done:
            count, size = count + 1, size + sizes[path]
            if not dry_run:
                lake.remove(path)
    return Removed(count=count, bytes=size)


def _chunks(names: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(names)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))


def _history(engine: sa.Engine, before: datetime, *, dry_run: bool) -> dict[str, Removed]:
    months, size, dropped = drop_months(engine, before, dry_run=dry_run)
    deleted = delete_periods(engine, before, dry_run=dry_run)
    return {
        "periods": Removed(count=dropped + deleted),
        "months": Removed(count=months, bytes=size),
        "promotion_periods": Removed(count=remove_periods(engine, before, dry_run=dry_run)),
        "promotions": Removed(count=remove_contents(engine, before, dry_run=dry_run)),
    }


def _rejects(engine: sa.Engine, before: datetime, *, dry_run: bool) -> Removed:
    old = sa.select(file.c.file_id).where(sa.func.coalesce(file.c.loaded_at, file.c.parsed_at) < before)
    is_old = reject.c.file_id.in_(old)
    return _rows(engine, reject.c.reject_id, is_old, dry_run=dry_run)


def _events(engine: sa.Engine, before: datetime, *, dry_run: bool) -> Removed:
    return _rows(engine, file_event.c.event_id, file_event.c.occurred_at < before, dry_run=dry_run)


def _rows(
    engine: sa.Engine, key: sa.Column[int], is_old: sa.ColumnElement[bool], *, dry_run: bool
) -> Removed:
    """Delete in short transactions, oldest first."""
    table = key.table
    if dry_run:
        with engine.connect() as connection:
            return Removed(
                count=connection.scalar(sa.select(sa.func.count()).select_from(table).where(is_old)) or 0
            )
    chunk = sa.select(key).where(is_old).order_by(key).limit(AT_ONCE)
    count = 0
    while True:
        with engine.begin() as connection:
            deleted = connection.execute(sa.delete(table).where(key.in_(chunk))).rowcount
        count += deleted
        if deleted < AT_ONCE:
            return Removed(count=count)
