"""Which runs a sensor should ask for: a pure decision over what the ledger says is pending."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter

from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds import Feed
from gogobe_dagster.warehouse.ledger import LedgerFile


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWanted:
    """One run for one feed and day, and why."""

    feed: Feed
    day: date
    files: int
    key: str
    """The same pending work asks for the same run, once an hour at most, whoever asks and how often."""


def runs_wanted(
    feed: Feed,
    pending: Sequence[LedgerFile],
    *,
    first_day: date,
    under_way: Collection[date],
    now: datetime,
) -> list[RunWanted]:
    """Ask for a run for each day of the grid that has pending files and no run queued or running for it.

    A day before `first_day` or after today is no partition: asking for it would fail the whole tick.
    """
    by_day = groupby(sorted(pending, key=attrgetter("day", "id")), key=attrgetter("day"))
    work = {day: list(files) for day, files in by_day}
    return [
        RunWanted(feed=feed, day=day, files=len(files), key=_key(feed, day, files, now))
        for day, files in work.items()
        if day not in under_way and first_day <= day <= day_of(now)
    ]


def _key(feed: Feed, day: date, files: Sequence[LedgerFile], now: datetime) -> str:
    work = ",".join(f"{file.id}:{file.state}" for file in files)
    return f"{feed.key}|{day}|{hashlib.sha256(work.encode()).hexdigest()[:12]}|{now:%Y-%m-%dT%H}"
