"""Made-up chains that publish as a clock goes on: what is due appears, what is not yet does not."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from threading import Lock

from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.replica.generator.market import Market
from gogobe_dagster.replica.generator.publishing import publish_days
from gogobe_dagster.replica.generator.stray_files import odd_files
from gogobe_dagster.replica.publication import Shelf


class MadeUpChains:
    """The shelves of some feeds, and the moment up to which they are filled. Thread-safe."""

    def __init__(
        self, shelves: Mapping[str, Shelf], feeds: Sequence[Feed], *, market: Market, days: int
    ) -> None:
        """Publish nothing yet. `days` is how many days are looked at, the last is that of the moment."""
        self._shelves = shelves
        self._feeds = feeds
        self._market = market
        self._days = days
        self._lock = Lock()
        self._moment: datetime | None = None

    def publish(self, moment: datetime, *, first_day: date | None = None) -> int:
        """Fill the shelves up to a moment; return how many files are new.

        What is published later than a moment that is earlier than the last one is taken away.
        """
        with self._lock:
            return self._publish(moment, first_day or self._first_day(moment))

    def follow(self, clock: Callable[[], datetime], *, at_least: timedelta = timedelta()) -> int:
        """Like `publish` up to what the clock says now; do nothing if it went on by less than `at_least`."""
        with self._lock:
            moment, last = clock(), self._moment
            if last is not None and abs(moment - last) < at_least:
                return 0
            return self._publish(moment, self._first_day(moment))

    def _first_day(self, moment: datetime) -> date:
        return day_of(moment) - timedelta(days=self._days - 1)

    def _publish(self, moment: datetime, first_day: date) -> int:
        if self._moment and moment < self._moment:
            self._take_away_after(moment)
        self._moment = moment
        new = publish_days(self._shelves, self._feeds, first_day=first_day, market=self._market, now=moment)
        return len(new)

    def publish_odd_files(self, day: date, now: datetime) -> None:
        """Publish what real portals publish by mistake."""
        for feed in self._feeds:
            self._shelves[feed.key].put(*odd_files(self._market, feed, day=day, now=now))

    def _take_away_after(self, moment: datetime) -> None:
        for shelf in self._shelves.values():
            shelf.remove(*(item.name for item in shelf.publications() if item.published_at > moment))
