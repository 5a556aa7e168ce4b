"""What a sensor should do: look at the portal now or not, and which runs to ask for.

Pure decisions over the clock and what the ledger says is pending; every "no" comes with its reason.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.feeds.publishing_calendar import rest_at
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import LedgerFile

SELDOM = 12
"""Every so manieth look is enough where nothing new is expected: one an hour, with the usual interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWanted:
    """One run for one feed and day, and why."""

    feed: Feed
    day: date
    files: int
    reason: str
    key: str
    """The same pending work asks for the same run, once an hour at most, whoever asks and how often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What is worth a run: so many files, or one that was published so long ago, or any full file."""

    files: int
    wait: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Threshold":
        """Take it from the settings."""
        return cls(files=settings.run_min_files, wait=timedelta(minutes=settings.run_max_wait_minutes))


def runs_wanted(
    feed: Feed,
    pending: Sequence[LedgerFile],
    *,
    first_day: date,
    under_way: Collection[date],
    threshold: Threshold,
    now: datetime,
) -> list[RunWanted]:
    """Ask for a run for each day of the grid with enough pending work and no run queued or running for it.

    A day before `first_day` or after today is no partition: asking for it would fail the whole tick.
    """
    found = []
    for day, files in _by_day(pending).items():
        reason = _why_now(files, threshold, now)
        if reason and day not in under_way and first_day <= day <= day_of(now):
            key = _key(feed, day, files, now)
            found.append(RunWanted(feed=feed, day=day, files=len(files), reason=reason, key=key))
    return found


def why_none(pending: Sequence[LedgerFile], *, under_way: Collection[date], threshold: Threshold) -> str:
    """Say in words why nothing was wanted."""
    if not pending:
        return "nothing is pending"
    if busy := sorted(_by_day(pending).keys() & set(under_way)):
        return f"{len(pending)} files wait for the run of {busy[-1]} that is under way"
    minutes = threshold.wait.total_seconds() / 60
    few = f"fewer than {threshold.files}, no full file, none published {minutes:.0f} minutes ago"
    return f"{len(pending)} files wait for more: {few}"


def why_not_to_look(
    feed: Feed,
    *,
    now: datetime,
    listed_at: datetime | None,
    quiet_hours: tuple[time, time] | None,
    interval: timedelta,
) -> str:
    """Say why the portal should be left alone now; empty: look.

    After midnight lists are empty until about two (PORTALS §7). Feeds that rest, or that publish only once a
    day, are looked at more seldom than every `interval`.
    """
    here = now.astimezone(ISRAEL)
    if quiet_hours and _is_within(here.time(), *quiet_hours):
        return f"quiet hours until {quiet_hours[1]:%H:%M}"
    why, pause = _why_seldom(feed, now), interval * SELDOM
    if why and listed_at and now - listed_at < pause:
        again = (listed_at + pause).astimezone(ISRAEL)
        return f"{feed.name} {why}; looked at {listed_at.astimezone(ISRAEL):%H:%M}, again at {again:%H:%M}"
    return ""


def _why_seldom(feed: Feed, now: datetime) -> str:
    if rest := rest_at(feed, now):
        return f"rests ({rest})"
    return "publishes no changes within a day" if feed.deltas == 0 else ""


def look_interval(feed: Feed, seconds: int) -> int:
    """Spread the feeds: each has an interval of its own, up to a fifth longer, always the same."""
    spread = int.from_bytes(hashlib.sha256(feed.key.encode()).digest()[:4])
    return seconds + spread % max(1, seconds // 5)


def _by_day(pending: Sequence[LedgerFile]) -> Mapping[date, list[LedgerFile]]:
    grouped = groupby(sorted(pending, key=attrgetter("day", "id")), key=attrgetter("day"))
    return {day: list(files) for day, files in grouped}


def _why_now(files: Sequence[LedgerFile], threshold: Threshold, now: datetime) -> str:
    """Say why these files should not wait for more; empty: they should."""
    if full := sum(bool(file.kind and file.kind.is_full) for file in files):
        return f"{full} full files wait"
    if len(files) >= threshold.files:
        return f"{len(files)} files wait"
    oldest = min((file.published_at for file in files if file.published_at), default=None)
    if oldest is None or now - oldest >= threshold.wait:
        return "a file has waited long enough"
    return ""


def _key(feed: Feed, day: date, files: Sequence[LedgerFile], now: datetime) -> str:
    work = ",".join(f"{file.id}:{file.state}" for file in files)
    return f"{feed.key}|{day}|{hashlib.sha256(work.encode()).hexdigest()[:12]}|{now:%Y-%m-%dT%H}"


def _is_within(moment: time, start: time, end: time) -> bool:
    return start <= moment < end if start <= end else moment >= start or moment < end
