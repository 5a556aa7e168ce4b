"""Publishes a day's files when the replica's clock has reached them, and records the real time."""

import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from operator import itemgetter

from gogobe_dagster import clock
from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.publication import Publication, Publications
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.replica.simulated_clock import SimulatedClock
from gogobe_dagster_tests.import_env import yesterday

STEP_SECONDS = 0.2


class Publisher:
    """The files of a day, and those of them that have appeared."""

    def __init__(
        self, replica: Replica, feeds: Sequence[Feed], market: SyntheticMarket, *, day: date | None = None
    ) -> None:
        """Make all the files, yesterday's or those of `day`; none is published yet."""
        if not isinstance(replica.clock, SimulatedClock):
            raise TypeError("the replica's clock must be one that can be moved")
        self.feed_keys = [feed.key for feed in feeds]
        self._replica = replica
        self._clock = replica.clock
        day = day or yesterday()
        # the first file of a day appears at 03:06, the last after 22
        self._begin = datetime.combine(day, time_of_day(3), ISRAEL)
        self._end = datetime.combine(day, time_of_day.max, ISRAEL)
        self._clock.move(now=self._begin, speed=0)
        self._due = sorted(_files(feeds, market, day, self._end), key=itemgetter(0))
        self.appeared: dict[str, datetime] = {}

    def publish_for(self, seconds: float) -> None:
        """Let the day pass in this number of seconds."""
        self._clock.move(now=self._begin, speed=(self._end - self._begin).total_seconds() / seconds)
        self._publish_until(self._end - timedelta(minutes=1))
        self._clock.move(now=self._end, speed=0)  # many portals show only the day that it is
        self._publish(self._end)

    def publish_in_real_time(self, seconds: float) -> None:
        """Let the day be what it is now; what was due before is not published."""
        begin = clock.now()
        self._due = [entry for entry in self._due if entry[0] > begin]
        self._clock.move(now=begin, speed=1)
        self._publish_until(begin + timedelta(seconds=seconds))

    def _publish_until(self, end: datetime) -> None:
        while (now := self._clock()) < end:
            self._publish(now)
            time.sleep(STEP_SECONDS)

    def _publish(self, until: datetime) -> None:
        while self._due and self._due[0][0] <= until:
            _, feed_key, publication = self._due.pop(0)
            self.appeared[f"{feed_key}/{publication.name}"] = clock.now()
            self._replica.publications(feed_key).put(publication)


def _files(
    feeds: Sequence[Feed], market: SyntheticMarket, day: date, end: datetime
) -> list[tuple[datetime, str, Publication]]:
    publications_by_feed = {feed.key: Publications() for feed in feeds}
    publish_day(publications_by_feed, feeds, day=day, market=market, now=end)
    return [
        (publication.published_at, key, publication)
        for key, publications in publications_by_feed.items()
        for publication in publications.all()
    ]
