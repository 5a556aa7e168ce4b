"""One feed in an import environment, step by step: publish, list, download, and read the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from gogobe_dagster import clock, pipeline
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds.registry import Feed, find_feed
from gogobe_dagster.replica.publication import Publication, Publications
from gogobe_dagster.resources import Resources
from gogobe_dagster_tests.import_env import ImportEnv, yesterday


@dataclass(frozen=True)
class Scene:
    """One feed in the environment: its published files, its portal and its rows in the ledger."""

    env: ImportEnv
    resources: Resources
    feed: Feed

    def publish(self, *, stores: int = 2) -> None:
        """Publish the price files of a morning."""
        self.env.publish(
            self.feed.key, stores=stores, items=30, until=datetime.combine(yesterday(), time(9), clock.ISRAEL)
        )
        self.publications.remove(
            *(
                publication.name
                for publication in self.publications.all()
                if "promo" in publication.name.lower()
            )
        )

    @property
    def publications(self) -> Publications:
        return self.env.replica.publications(self.feed.key)

    def full(self, number: int = 0) -> Publication:
        """Return a full price file, to be damaged."""
        fulls = [
            publication
            for publication in self.publications.all()
            if publication.name.lower().startswith("pricefull")
        ]
        return sorted(fulls, key=lambda publication: publication.name)[number]

    def poll(self, day: date | None = None) -> str | None:
        """List the portal for a day, or yesterday; return the code if it fails."""
        try:
            pipeline.discover(self.feed, [day or yesterday()], self.resources)
        except PortalError as error:
            return error.code.value
        return None

    def take(self) -> None:
        """Download and parse what is pending."""
        pipeline.download(self.feed, [yesterday()], self.resources)
        for batch in pipeline.plan(self.feed, [yesterday()], self.resources):
            pipeline.parse(batch, self.feed, self.resources)

    def states(self) -> dict[str, str]:
        """Return state and code of each file of the feed in the ledger."""
        rows = self.env.query("select name, state, code from file where feed = %s", [self.feed.key])
        return {name: f"{state} {code or ''}".strip() for name, state, code in rows}

    def of(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        return self.env.query(
            f"select {', '.join(columns)} from file where name = %s order by revision", [name]
        )


def import_all(env: ImportEnv, feed_key: str) -> None:
    """Run each step once, in order."""
    feed, days, resources = find_feed(feed_key), [yesterday()], env.resources
    pipeline.discover(feed, days, resources)
    pipeline.download(feed, days, resources)
    for batch in pipeline.plan(feed, days, resources):
        pipeline.parse(batch, feed, resources)
    for document in pipeline.LOADERS:
        pipeline.load(document, feed, days, resources)


OpenScene = Callable[..., Scene]
