"""Decisions of a sensor: whether to poll the portal now, and which runs to request.

Pure functions of the time and of the pending files in the ledger; every "no" has a reason for the UI.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Self

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.feeds.publishing_calendar import rest_reason_at
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import LedgerFile

IDLE_POLL_FACTOR = 12
"""Where nothing new is expected, a portal is polled this many times less often: hourly by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A run to request for one feed and publication day."""

    feed: Feed
    day: date
    files: int
    reason: str
    key: str
    """Idempotency key: the same pending files request the same run, at most once an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """When pending files start a run: `min_files` of them, one older than `max_wait`, or any full file."""

    min_files: int
    max_wait: timedelta

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Read both values from the settings."""
        return cls(
            min_files=settings.run_min_files, max_wait=timedelta(minutes=settings.run_max_wait_minutes)
        )


def plan_runs(
    feed: Feed,
    pending: Sequence[LedgerFile],
    *,
    first_day: date,
    under_way: Collection[date],
    threshold: Threshold,
    now: datetime,
) -> list[PlannedRun]:
    """Plan a run per publication day that has enough pending files and no run in `under_way`.

    A day before `first_day` or after today has no partition: requesting it would fail the whole tick.
    """
    found = []
    for day, files in _by_day(pending).items():
        reason = _run_reason(files, threshold, now)
        if reason and day not in under_way and first_day <= day <= day_of(now):
            key = _key(feed, day, files, now)
            found.append(PlannedRun(feed=feed, day=day, files=len(files), reason=reason, key=key))
    return found


def no_run_reason(pending: Sequence[LedgerFile], *, under_way: Collection[date], threshold: Threshold) -> str:
    """Say why no run is planned."""
    if not pending:
        return "nothing is pending"
    if busy := sorted(_by_day(pending).keys() & set(under_way)):
        return f"{len(pending)} files wait for the run of {busy[-1]} that is under way"
    minutes = threshold.max_wait.total_seconds() / 60
    few = f"fewer than {threshold.min_files}, no full file, none published {minutes:.0f} minutes ago"
    return f"{len(pending)} files wait for more: {few}"


def skip_poll_reason(
    feed: Feed,
    *,
    now: datetime,
    listed_at: datetime | None,
    quiet_hours: tuple[time, time] | None,
    interval: timedelta,
) -> str:
    """Say why the portal should not be polled now; empty if it should.

    In the quiet hours after midnight the portals' lists are empty. Feeds that are closed (Shabbat,
    holidays), or that publish no deltas, are polled less often than every `interval`.
    """
    local = now.astimezone(ISRAEL)
    if quiet_hours and _is_within(local.time(), *quiet_hours):
        return f"quiet hours until {quiet_hours[1]:%H:%M}"
    why, pause = _idle_reason(feed, now), interval * IDLE_POLL_FACTOR
    if why and listed_at and now - listed_at < pause:
        last, following = listed_at.astimezone(ISRAEL), (listed_at + pause).astimezone(ISRAEL)
        return f"{feed.name} {why}; polled at {last:%H:%M}, next at {following:%H:%M}"
    return ""


def _idle_reason(feed: Feed, now: datetime) -> str:
    if rest := rest_reason_at(feed, now):
        return f"is closed ({rest})"
    return "publishes no deltas" if feed.delta_files_per_day == 0 else ""


def poll_interval(feed: Feed, seconds: int) -> int:
    """Return a feed's own interval, up to a fifth longer than `seconds`, so that polls are spread out."""
    spread = int.from_bytes(hashlib.sha256(feed.key.encode()).digest()[:4])
    return seconds + spread % max(1, seconds // 5)


def _by_day(pending: Sequence[LedgerFile]) -> Mapping[date, list[LedgerFile]]:
    grouped = groupby(
        sorted(pending, key=attrgetter("publication_day", "id")), key=attrgetter("publication_day")
    )
    return {day: list(files) for day, files in grouped}


def _run_reason(files: Sequence[LedgerFile], threshold: Threshold, now: datetime) -> str:
    """Say why these files start a run; empty if they wait for more."""
    if full := sum(bool(file.kind and file.kind.is_full) for file in files):
        return f"{full} full files wait"
    if len(files) >= threshold.min_files:
        return f"{len(files)} files wait"
    oldest = min((file.published_at for file in files if file.published_at), default=None)
    if oldest is None or now - oldest >= threshold.max_wait:
        return "a file has waited long enough"
    return ""


def _key(feed: Feed, day: date, files: Sequence[LedgerFile], now: datetime) -> str:
    work = ",".join(f"{file.id}:{file.state}" for file in files)
    return f"{feed.key}|{day}|{hashlib.sha256(work.encode()).hexdigest()[:12]}|{now:%Y-%m-%dT%H}"


def _is_within(local: time, start: time, end: time) -> bool:
    return start <= local < end if start <= end else local >= start or local < end
