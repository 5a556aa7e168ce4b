"""A replica of all portals for each test, files published there, and connectors to them."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Family, Feed, find_feed
from gogobe_dagster.files.names import FileName
from gogobe_dagster.portals.connector import ConnectorOptions
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.portals.portal import Portal
from gogobe_dagster.portals.request_policy import RequestPolicy
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.settings import Settings

QUICK = RequestPolicy(
    connect_timeout=5,
    listing_timeout=5,
    download_timeout=5,
    total_timeout=20,
    attempts=3,
    first_wait=0.01,
    longest_wait=0.05,
)
DAY = "20261123"
OpenPortal = Callable[..., Portal]


class MovedClock:
    """A clock that stands until the test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=ISRAEL)

    def __call__(self) -> datetime:
        return self.now


def options(feed: Feed | str, url: str, **changes: Any) -> ConnectorOptions:
    """Return the options of a connector to a server of the test's own."""
    known = find_feed(feed) if isinstance(feed, str) else feed
    default = ConnectorOptions(feed=known, base_url=url, max_file_bytes=1_000_000, policy=QUICK)
    return replace(default, **changes)


def publication(name: str, content: bytes | None = None) -> Publication:
    """A file as a portal has it: written two minutes after the timestamp in its name."""
    parsed = FileName.parse(name)
    return Publication(
        name=name,
        content=gzip.compress(f"<Root>{name}</Root>".encode(), mtime=0) if content is None else content,
        published_at=parsed.published_at + timedelta(minutes=2),
        kind=parsed.kind,
        store_id=parsed.store_id,
        store_label=f"{parsed.store_id} - סניף לדוגמה" if parsed.store_id else "",
    )


def names_of_a_day(feed_key: str) -> list[str]:
    """Names of both generations, of every kind: more than two pages of Shufersal's grid in one kind."""
    chain = find_feed(feed_key).chain_id
    names = [f"Stores{chain}-000-{DAY}-050500.xml", f"NULLPrice{chain}-007-{DAY}0900.gz"]
    names += [f"PriceFull{chain}-001-{store:03}-{DAY}-03{store:02}00.gz" for store in range(1, 48)]
    names += [f"Price{chain}-{store:03}-{DAY}19{store:02}.gz" for store in range(1, 24)]
    names += [f"PromoFull{chain}-001-{store:03}-{DAY}-0400{store:02}.gz" for store in range(1, 21)]
    return [*names, f"promo{chain}-760-{DAY}1000.gz"]


def is_cerberus(feed_key: str) -> bool:
    """Whether a feed has two doors; tests take the web unless they say otherwise."""
    return find_feed(feed_key).family is Family.CERBERUS


@pytest.fixture
def clock() -> MovedClock:
    """The replica's clock: it stands at noon of the day that `names_of_a_day` names."""
    return MovedClock()


@pytest.fixture
def replica(clock: MovedClock) -> Iterator[Replica]:
    """All portals, with nothing published yet."""
    with Replica(clock=clock) as replica:
        yield replica


@pytest.fixture
def open_feed(replica: Replica, clock: MovedClock) -> Iterator[OpenPortal]:
    """Open connectors to the replica; they are closed at the end."""
    opened: list[Portal] = []

    def open_feed(feed_key: str, policy: RequestPolicy = QUICK, transport: str = "web") -> Portal:
        overrides = (
            {feed_key: {"transport": transport}} if transport != "web" or is_cerberus(feed_key) else {}
        )
        settings = Settings.model_validate({"replica_url": replica.url, "feed": overrides})
        portal = open_portal(find_feed(feed_key), settings, policy=policy, clock=clock)
        opened.append(portal)
        return portal

    yield open_feed
    for portal in opened:
        portal.close()
