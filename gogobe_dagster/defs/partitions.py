"""Partitions: one per feed and publication day.

The web UI shows them as a grid that tells which feed is behind on which day. A file is never a partition;
its state is a row of the ledger (docs/architecture.md says why).
"""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg

from gogobe_dagster import clock
from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.feeds.registry import FEEDS, Feed, find_feed
from gogobe_dagster.settings import Settings

FEED = "feed"
DAY = "publication_day"
"""Dagster sorts dimensions by name: this one must come after "feed" for keys to begin with the feed."""
FEED_TAG, DAY_TAG = f"dagster/partition/{FEED}", f"dagster/partition/{DAY}"
"""Tags that Dagster sets on a run of one partition."""


def feed_day_partitions(settings: Settings) -> dg.MultiPartitionsDefinition:
    """Return the partitions of every feed, on every day in Israel from the first day to today."""
    return dg.MultiPartitionsDefinition(
        {
            FEED: dg.StaticPartitionsDefinition([feed.key for feed in FEEDS]),
            DAY: day_partitions(settings),
        }
    )


def day_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Return the days in Israel from the first day to today."""
    first = settings.first_day_on(day_of(clock.now())).isoformat()
    # without end_offset=1, today would not be a partition
    return dg.DailyPartitionsDefinition(start_date=first, timezone=ISRAEL.key, end_offset=1)


def partition_key(feed: Feed, day: date) -> dg.MultiPartitionKey:
    """Return the key of one partition; as text it is `rami_levy|2026-11-23`."""
    return dg.MultiPartitionKey({FEED: feed.key, DAY: day.isoformat()})


def days_by_feed(partition_keys: Sequence[str]) -> Mapping[Feed, list[date]]:
    """Group the partitions of a run by feed. Raises `TypeError` for keys of other partitions."""
    days: dict[Feed, list[date]] = {}
    for key in partition_keys:
        if not isinstance(key, dg.MultiPartitionKey):
            raise TypeError(f"{key!r} is not a key of a feed and a publication day")
        parts = key.keys_by_dimension
        days.setdefault(find_feed(parts[FEED]), []).append(date.fromisoformat(parts[DAY]))
    return days
