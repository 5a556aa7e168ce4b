"""The state of all feeds at one time: files, prices and stores per day, what is late and why, what waits.

Everything is counted from the ledger, so a look costs a few short queries however large the tables are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa

from gogobe_dagster.clock import day_of
from gogobe_dagster.errors import EXPECTED_CODES
from gogobe_dagster.feeds.registry import FEEDS, Feed
from gogobe_dagster.files.kinds import FULL_KINDS
from gogobe_dagster.monitoring.data_quality import CHECKS
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.listing_status import LastListing, last_listings

DAYS = 14
LAST_FILES = 15
MAX_LINES = 3
"""Of one check and feed."""
PROBLEMS = {
    "all_feeds_fresh": "late; newest full price file",
    "all_feeds_complete": "stores are missing",
    "usual_row_counts": "unusual number of rows",
    "few_quarantined": "files failed",
    "few_rejects": "rows cannot be read",
    "no_store_frozen": "prices never change",
    "no_store_silent": "stores stopped publishing",
}
"""What is wrong when a check fails, by the name of the check. Checks that read whole tables of prices and
promotions are left to their own job."""
_BY_DAY = """
with of_files as (
    select *, state = 'superseded' or coalesce(code = any(:expected), false) as is_left_out,
        case when state = 'loaded' then rows end as rows_in_tables,
        case when state = 'loaded' and kind = 'full_prices'
            then (chain_id, sub_chain_id, store_id) end as full_prices_of
    from file where publication_day between :first and :last
), of_kinds as (
    select feed, publication_day as day, kind, count(*) filter (where not is_left_out) as files,
        count(*) filter (where state = 'loaded') as loaded,
        count(*) filter (where state = 'quarantined' and not is_left_out) as quarantined,
        count(*) filter (where state in ('discovered', 'downloaded', 'parsed')) as pending,
        coalesce(sum(rows_in_tables), 0)::bigint as rows_in_tables,
        count(distinct full_prices_of) as stores,
        max(published_at) filter (where full_prices_of is not null) as newest_full_at
    from of_files group by feed, publication_day, kind
)
select feed, day, sum(files)::int as files, sum(loaded)::int as loaded, sum(quarantined)::int as quarantined,
    sum(pending)::int as pending,
    coalesce(sum(rows_in_tables) filter (where kind in ('prices', 'full_prices')), 0)::bigint as prices,
    coalesce(sum(rows_in_tables) filter (where kind like '%promotions'), 0)::bigint as promotions,
    sum(stores)::int as stores, max(newest_full_at) as newest_full_at,
    min(100.0 * (files - quarantined) / nullif(files, 0)) filter (where kind = any(:full)) as full_percent
from of_kinds group by feed, day
"""
_LAST_FILES = """
select loaded_at, feed, name, rows, publication_day as day from file
where publication_day between :first and :last and state = 'loaded' order by loaded_at desc limit :limit
"""
_LOADED_SINCE = """
select coalesce(sum(rows), 0) from file
where publication_day between :first and :last and state = 'loaded' and loaded_at > :since
"""


class DayColor(StrEnum):
    """How well a feed's day came through."""

    GOOD = "good"
    """Every file is in the tables."""
    SOME = "some"
    """Files wait or failed, but not too many."""
    BAD = "bad"
    """Too few files came through."""
    NONE = "none"
    """The ledger has no file of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDay:
    """Files of one feed and publication day, and rows that are in the tables."""

    files: int = 0
    """Without files that are left out on purpose."""
    loaded: int = 0
    quarantined: int = 0
    pending: int = 0
    prices: int = 0
    promotions: int = 0
    stores: int = 0
    """With a full price file."""
    newest_full_at: datetime | None = None
    full_percent: Decimal | None = None
    """How many full files can still come, of the kind of which most are lost; None: there are none."""

    def color(self, min_percent: float) -> DayColor:
        """Return how well it came through; what is still pending may come.

        Full files of a kind are judged for themselves as well: deltas do not replace them.
        """
        if not self.files:
            return DayColor.NONE
        if self.loaded == self.files:
            return DayColor.GOOD
        percents = [100 * (self.files - self.quarantined) / self.files]
        if self.full_percent is not None:
            percents.append(float(self.full_percent))
        is_bad = min(percents) < min_percent or not min(percents)
        return DayColor.BAD if is_bad else DayColor.SOME


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStatus:
    """One feed: its days, its last listing, and its problems in words."""

    feed: Feed
    days: Mapping[date, FeedDay]
    """The last `DAYS` days, the oldest first."""
    listing: LastListing | None
    problems: Sequence[str]

    @property
    def newest_full_at(self) -> datetime | None:
        """When its newest loaded full price file was published; None: none in these days."""
        return max(filter(None, (day.newest_full_at for day in self.days.values())), default=None)

    @property
    def usual_stores(self) -> int:
        """The most stores with a full price file on one of these days."""
        return max((day.stores for day in self.days.values()), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFile:
    """A file that was loaded lately."""

    loaded_at: datetime
    feed: str
    name: str
    rows: int
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All feeds that were ever polled."""

    at: datetime
    day: date
    feeds: Sequence[FeedStatus]
    last_files: Sequence[LoadedFile]
    rows_per_second: int
    """Rows loaded in the hour before, per second."""

    def total(self, name: str, *, days_before: int = 0) -> int:
        """Sum up a number of `FeedDay` over all feeds, for the day or one before."""
        day = self.day - timedelta(days=days_before)
        return sum(getattr(status.days[day], name) for status in self.feeds)

    @property
    def queue(self) -> int:
        """Files of these days that wait to be downloaded, parsed or loaded."""
        return sum(day.pending for status in self.feeds for day in status.days.values())

    @property
    def with_problems(self) -> list[FeedStatus]:
        """The feeds that have any."""
        return [status for status in self.feeds if status.problems]


def look_at_fleet(
    engine: sa.Engine, settings: Settings, now: datetime, *, until: date | None = None
) -> Fleet:
    """Return the state of all feeds. `until`: the last of the days, today unless given.

    Problems are those of now; of a past day there are none.
    """
    today = day_of(now)
    last = until or today
    days = [last - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    by_feed = _count(engine, days)
    listings = last_listings(engine)
    problems = _problems(engine, settings, listings, now) if last == today else {}
    feeds = [
        FeedStatus(
            feed=feed,
            days={day: by_feed.get(feed.key, {}).get(day, FeedDay()) for day in days},
            listing=listings.get(feed.key),
            problems=problems.get(feed.key, []),
        )
        for feed in FEEDS
        if feed.key in listings or feed.key in by_feed
    ]
    files, rows = _latest(engine, days, since=now - timedelta(hours=1))
    return Fleet(
        at=now,
        day=last,
        feeds=feeds,
        last_files=files,
        rows_per_second=round(rows / 3600),
    )


def _count(engine: sa.Engine, days: Sequence[date]) -> Mapping[str, Mapping[date, FeedDay]]:
    values = {"first": days[0], "last": days[-1], "expected": sorted(EXPECTED_CODES), "full": FULL_KINDS}
    by_feed: dict[str, dict[date, FeedDay]] = {}
    with engine.connect() as connection:
        for row in connection.execute(sa.text(_BY_DAY), values).mappings():
            numbers = {name: row[name] for name in FeedDay.__slots__}
            by_feed.setdefault(row["feed"], {})[row["day"]] = FeedDay(**numbers)
    return by_feed


def _latest(engine: sa.Engine, days: Sequence[date], *, since: datetime) -> tuple[list[LoadedFile], int]:
    """Return the files that were loaded last, and how many rows were loaded since a time."""
    span = {"first": days[0], "last": days[-1]}
    with engine.connect() as connection:
        newest = connection.execute(sa.text(_LAST_FILES), {**span, "limit": LAST_FILES}).mappings()
        files = [LoadedFile(**row) for row in newest]
        return files, int(connection.execute(sa.text(_LOADED_SINCE), {**span, "since": since}).scalar_one())


def _problems(
    engine: sa.Engine, settings: Settings, listings: Mapping[str, LastListing], now: datetime
) -> dict[str, list[str]]:
    """Return what is wrong now, in words, by feed."""
    found = {
        feed: [f"the portal cannot be listed: {last.code}: {last.reason}"]
        for feed, last in listings.items()
        if last.code
    }
    for name, words in PROBLEMS.items():
        check, _ = CHECKS[name]
        lines = Counter[str]()
        for finding in check(engine, settings, now).findings:
            lines[finding.feed] += 1
            if lines[finding.feed] <= MAX_LINES:
                line = f"{words}: {finding.observed} (expected: {finding.expected})"
                found.setdefault(finding.feed, []).append(line)
    return found
