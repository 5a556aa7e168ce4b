"""Which file is newer when Israel's clock is put back or forward. Names state local time without a zone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.files.names import FileName
from gogobe_dagster.warehouse.ledger.model import ListedFile
from gogobe_dagster_tests.warehouse.making import CHAIN, FEED, sighting
from gogobe_dagster_tests.warehouse.warehouse_harness import MILK, Market, PriceFile

pytestmark = pytest.mark.slow


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(params=["UTC", "Asia/Jerusalem"])
def market(engine: sa.Engine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Market]:
    """A warehouse on a server of each time zone: timestamps arrive in the server's."""
    _set_time_zone(engine, f"set timezone to '{request.param}'")
    yield Market.at(engine, tmp_path)
    _set_time_zone(engine, "reset timezone")


def _set_time_zone(engine: sa.Engine, change: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"alter database {engine.url.database} {change}")
    engine.dispose()  # later connections have it


@dataclass(frozen=True)
class PublishedFile(PriceFile):
    """A price file whose name states a local time such as 20261025-0150."""

    local: str = ""
    modified_at: datetime | None = None

    @property
    def sighting(self) -> ListedFile:
        kind = "PriceFull" if self.is_full else "Price"
        name = FileName.parse(f"{kind}{CHAIN}-001-001-{self.local}00.gz")
        return sighting(
            name.kind,
            name=f"{kind}{CHAIN}-001-001-{self.local}00.gz",
            published_at=name.published_at,
            publication_day=day_of(name.published_at),
            modified_at=self.modified_at,
        )


def price(local: str, price: str, *, is_full: bool = False) -> PublishedFile:
    return PublishedFile(hours=0, price_rows={MILK: price}, is_full=is_full, local=local)


# In Israel, after 01:59 comes 01:00 again on 25 October 2026 (23:00 UTC), and 03:00 on 27 March 2026.
AUTUMN = [
    ("2026-10-24T21:58", price("20261025-0055", "4.00")),
    ("2026-10-24T22:53", price("20261025-0150", "5.00", is_full=True)),
    ("2026-10-24T23:13", price("20261025-0110", "6.00")),
]
AUTUMN_ENDS = ("6.00", utc("2026-10-24T23:10"))
SPRING = [
    ("2026-03-26T23:00", price("20260327-0055", "4.00")),
    ("2026-03-26T23:53", price("20260327-0150", "5.00", is_full=True)),
    ("2026-03-27T00:13", price("20260327-0310", "6.00")),
]
SPRING_ENDS = ("6.00", utc("2026-03-27T00:10"))


def record(market: Market, listings: Sequence[tuple[str, PublishedFile]]) -> None:
    """List the portal at each of these times; a listing shows what earlier ones showed, and one file more."""
    for number, (at, _) in enumerate(listings, 1):
        shown = [published.sighting for _, published in listings[:number]]
        market.ledger.record(FEED, shown, now=utc(at))


@pytest.mark.parametrize("order", permutations(range(3)), ids=str)
@pytest.mark.parametrize(
    ("listings", "ends"), [(AUTUMN, AUTUMN_ENDS), (SPRING, SPRING_ENDS)], ids=["autumn", "spring"]
)
def test_what_a_listing_showed_later_wins_in_whatever_order_files_are_loaded(
    market: Market,
    listings: list[tuple[str, PublishedFile]],
    ends: tuple[str, datetime],
    order: tuple[int, ...],
) -> None:
    record(market, listings)
    files = {file.name: file for file in market.publish(*(published for _, published in listings))}
    named = [files[published.name] for _, published in listings]

    for index in order:
        market.load([named[index]])

    query = "select price::numeric(10, 2)::text, valid_from from price_current"
    assert market.ask(query) == [ends]
    periods = market.ask("select price::numeric(10, 2)::text from price_history order by valid_from")
    assert periods == [("4.00",), ("5.00",), ("6.00",)]


FIRST, SECOND = utc("2026-10-24T22:10"), utc("2026-10-24T23:10")


@pytest.mark.parametrize(
    ("listed_before", "listed_at", "modified_at", "published_at"),
    [
        ("2026-10-24T22:05", "2026-10-24T22:15", None, FIRST),
        ("2026-10-24T23:05", "2026-10-24T23:15", None, SECOND),
        ("2026-10-24T22:15", "2026-10-24T23:09", None, FIRST),
        (None, "2026-10-25T10:00", None, FIRST),
        ("2026-10-24T21:00", "2026-10-25T10:00", None, FIRST),
        ("2026-10-24T21:00", "2026-10-25T10:00", "2026-10-25T01:12", FIRST),
        ("2026-10-24T21:00", "2026-10-25T10:00", "2026-10-25T02:05", SECOND),
    ],
)
def test_a_time_that_occurs_twice_is_decided_by_the_listings(
    market: Market,
    listed_before: str | None,
    listed_at: str,
    modified_at: str | None,
    published_at: datetime,
) -> None:
    written = datetime.fromisoformat(modified_at).replace(tzinfo=ISRAEL) if modified_at else None
    delta = PublishedFile(hours=0, price_rows={}, local="20261025-0110", modified_at=written)
    if listed_before:
        market.ledger.record(FEED, [], now=utc(listed_before))

    market.ledger.record(FEED, [delta.sighting], now=utc(listed_at))
    market.ledger.record(FEED, [delta.sighting], now=utc("2026-10-26T10:00"))

    assert market.ask("select published_at from file") == [(published_at,)]
