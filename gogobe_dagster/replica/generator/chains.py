"""Synthetic chains that publish while a clock runs: whatever is due appears."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from threading import Lock

from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_days
from gogobe_dagster.replica.generator.stray_files import stray_files
from gogobe_dagster.replica.publication import Publications


class SyntheticChains:
    """What some feeds publish, and up to which time it was generated. Thread-safe."""

    def __init__(
        self,
        publications_by_feed: Mapping[str, Publications],
        feeds: Sequence[Feed],
        *,
        market: SyntheticMarket,
        days: int,
    ) -> None:
        """Publish nothing yet. `days` is how many days are published, up to the current one."""
        self._publications_by_feed = publications_by_feed
        self._feeds = feeds
        self._market = market
        self._days = days
        self._lock = Lock()
        self._published_until: datetime | None = None

    def publish(self, now: datetime, *, first_day: date | None = None) -> int:
        """Publish everything up to a time; return how many files are new.

        If the time is earlier than the last one, later files are removed.
        """
        with self._lock:
            return self._publish(now, first_day or self._first_day(now))

    def follow(self, clock: Callable[[], datetime], *, at_least: timedelta = timedelta()) -> int:
        """Publish up to the time of the clock; do nothing if it has advanced by less than `at_least`."""
        with self._lock:
            now, last = clock(), self._published_until
            if last is not None and abs(now - last) < at_least:
                return 0
            return self._publish(now, self._first_day(now))

    def _first_day(self, now: datetime) -> date:
        return day_of(now) - timedelta(days=self._days - 1)

    def _publish(self, now: datetime, first_day: date) -> int:
        if self._published_until and now < self._published_until:
            self._remove_after(now)
        self._published_until = now
        new = publish_days(
            self._publications_by_feed, self._feeds, first_day=first_day, market=self._market, now=now
        )
        return len(new)

    def publish_stray_files(self, day: date, now: datetime) -> None:
        """Publish what real portals publish by mistake."""
        for feed in self._feeds:
            self._publications_by_feed[feed.key].put(*stray_files(self._market, feed, day=day, now=now))

    def _remove_after(self, now: datetime) -> None:
        for publications in self._publications_by_feed.values():
            publications.remove(
                *(publication.name for publication in publications.all() if publication.published_at > now)
            )
