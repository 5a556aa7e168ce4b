"""Publishes a day's files when the replica's clock has reached them, and records the real time."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
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
from gogobe_dagster_tests.import_env import midnight, yesterday

STEP_SECONDS = 0.2


def morning() -> datetime:
    """The first file of a day appears at 03:06, the last after 22."""
    return datetime.combine(yesterday(), time_of_day(3), ISRAEL)


class Publisher:
    """Yesterday's files, and those of them that have appeared."""

    def __init__(self, replica: Replica, feeds: Sequence[Feed], market: SyntheticMarket) -> None:
        """Make all the files; none is published yet."""
        if not isinstance(replica.clock, SimulatedClock):
            raise TypeError("the replica's clock must be one that can be moved")
        self.feed_keys = [feed.key for feed in feeds]
        self._replica = replica
        self._clock = replica.clock
        self._clock.move(now=morning(), speed=0)
        self._due = sorted(_files(feeds, market), key=itemgetter(0))
        self.appeared: dict[str, datetime] = {}

    def publish_for(self, seconds: float) -> None:
        """Let the day pass in this number of seconds."""
        self._clock.move(now=morning(), speed=(midnight() - morning()).total_seconds() / seconds)
        while (now := self._clock()) < midnight() - timedelta(minutes=1):
            self._publish(now)
            time.sleep(STEP_SECONDS)
        self._clock.move(now=midnight(), speed=0)  # many portals show only the day that it is
        self._publish(midnight())

    def _publish(self, until: datetime) -> None:
        while self._due and self._due[0][0] <= until:
            _, feed_key, publication = self._due.pop(0)
            self.appeared[f"{feed_key}/{publication.name}"] = clock.now()
            self._replica.publications(feed_key).put(publication)


def _files(feeds: Sequence[Feed], market: SyntheticMarket) -> list[tuple[datetime, str, Publication]]:
    publications_by_feed = {feed.key: Publications() for feed in feeds}
    publish_day(publications_by_feed, feeds, day=yesterday(), market=market, now=midnight())
    return [
        (publication.published_at, key, publication)
        for key, publications in publications_by_feed.items()
        for publication in publications.all()
    ]
