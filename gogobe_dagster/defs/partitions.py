"""The grid: feed by publication day. One look at it tells which feed is behind on which day.

A file is never a partition; its life is the ledger's business (docs/architecture.md says why).
"""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import FEEDS, Feed, find_feed
from gogobe_dagster.settings import Settings

FEED = "feed"
DAY = "publication_day"  # after "feed" in the alphabet, so that a key begins with the feed


def feed_days(settings: Settings) -> dg.MultiPartitionsDefinition:
    """Every feed on every Israeli calendar day from the first day up to and including today."""
    first = settings.first_day.isoformat()
    return dg.MultiPartitionsDefinition(
        {
            FEED: dg.StaticPartitionsDefinition([feed.key for feed in FEEDS]),
            # end_offset=1: without it today is not a partition
            DAY: dg.DailyPartitionsDefinition(start_date=first, timezone=ISRAEL.key, end_offset=1),
        }
    )


def partition_key(feed: Feed, day: date) -> dg.MultiPartitionKey:
    """Name one cell of the grid; as text it is `rami_levy|2026-11-23`."""
    return dg.MultiPartitionKey({FEED: feed.key, DAY: day.isoformat()})


def days_by_feed(partition_keys: Sequence[str]) -> Mapping[Feed, list[date]]:
    """Take a run's cells apart: which days of which feeds it is about."""
    days: dict[Feed, list[date]] = {}
    for key in partition_keys:
        if not isinstance(key, dg.MultiPartitionKey):
            raise TypeError(f"{key!r} is no cell of the feed-by-day grid")
        cell = key.keys_by_dimension
        days.setdefault(find_feed(cell[FEED]), []).append(date.fromisoformat(cell[DAY]))
    return days
