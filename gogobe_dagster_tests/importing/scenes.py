"""One feed on a stage, step by step: publish, look, take, and what the ledger says then."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from gogobe_dagster import clock, importing
from gogobe_dagster.equipment import Equipment
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds import Feed, find_feed
from gogobe_dagster.replica.publication import Publication, Shelf
from gogobe_dagster_tests.stage import YESTERDAY, Stage

MORNING = datetime.combine(YESTERDAY, time(9), clock.ISRAEL)


@dataclass(frozen=True)
class Scene:
    """One feed on the stage: its shelf, its portal, its part of the ledger."""

    stage: Stage
    equipment: Equipment
    feed: Feed

    def publish(self, *, stores: int = 2) -> None:
        """Publish a morning; what promotions become is not the portal's matter."""
        self.stage.publish(self.feed.key, stores=stores, items=30, until=MORNING)
        self.shelf.remove(*(item.name for item in self.shelf.publications() if "promo" in item.name.lower()))

    @property
    def shelf(self) -> Shelf:
        return self.stage.replica.shelf(self.feed.key)

    def full(self, number: int = 0) -> Publication:
        """A full price file: the one that is spoiled."""
        fulls = [item for item in self.shelf.publications() if item.name.lower().startswith("pricefull")]
        return sorted(fulls, key=lambda item: item.name)[number]

    def look(self, day: date = YESTERDAY) -> str | None:
        """List the portal; return the code if it fails."""
        try:
            importing.discover(self.feed, [day], self.equipment)
        except PortalError as error:
            return error.code.value
        return None

    def take(self) -> None:
        """Download and parse what is pending."""
        importing.download(self.feed, [YESTERDAY], self.equipment)
        for batch in importing.plan(self.feed, [YESTERDAY], self.equipment):
            importing.parse(batch, self.feed, self.equipment)

    def states(self) -> dict[str, str]:
        """State, and code if there is one, of every file that the ledger has of the feed."""
        rows = self.stage.query("select name, state, code from file where feed = %s", [self.feed.key])
        return {name: f"{state} {code or ''}".strip() for name, state, code in rows}

    def of(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        return self.stage.query(
            f"select {', '.join(columns)} from file where name = %s order by revision", [name]
        )


def import_all(stage: Stage, feed_key: str) -> None:
    """Every chapter once, in order."""
    feed, days, equipment = find_feed(feed_key), [YESTERDAY], stage.equipment
    importing.discover(feed, days, equipment)
    importing.download(feed, days, equipment)
    for batch in importing.plan(feed, days, equipment):
        importing.parse(batch, feed, equipment)
    for document in importing.LOADERS:
        importing.load(document, feed, days, equipment)


OpenScene = Callable[..., Scene]
