"""The time of the portals can be set, moved and hurried, and what they show and accept follows it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.names import FileName
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.replica.generator.chains import SyntheticChains
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.replica.simulated_clock import SimulatedClock, parse_time
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.replica.conftest import MovableClock
from gogobe_dagster_tests.replica.portal_clients import ShufersalVisitor, full_prices
from gogobe_dagster_tests.replica.test_command import listed, running

LATE = datetime(2026, 11, 20, 23, 50, tzinfo=ISRAEL)


class Wall:
    """The real time that the test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 8, 11, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_it_runs_from_where_it_was_set_at_the_speed_it_was_given() -> None:
    wall = Wall()
    clock = SimulatedClock(LATE, speed=60, real=wall)

    wall.now += timedelta(seconds=15)

    assert clock() == LATE + timedelta(minutes=15)
    assert clock().date() == LATE.date() + timedelta(days=1)
    clock.move(forward=timedelta(hours=2), speed=0)
    wall.now += timedelta(days=1)
    assert clock() == LATE + timedelta(hours=2, minutes=15)


def test_an_hour_is_an_hour_also_in_the_night_when_summer_time_ends() -> None:
    wall = Wall()
    clock = SimulatedClock(datetime(2026, 10, 25, 1, 30, tzinfo=ISRAEL), real=wall)

    wall.now += timedelta(hours=1)

    assert (clock().hour, clock().fold) == (1, 1)


def test_a_time_without_a_zone_is_israels() -> None:
    assert parse_time("2026-11-20T23:50") == LATE
    assert parse_time("2026-11-20T21:50+00:00") == LATE


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(LATE, speed=0)


@pytest.fixture
def carrefour(clock: SimulatedClock) -> Iterator[Replica]:
    """Carrefour at ten to midnight, publishing as the clock goes."""
    with Replica(clock=clock) as replica:
        feeds = [find_feed("carrefour")]
        publications_by_feed = {"carrefour": replica.publications("carrefour")}
        chains = SyntheticChains(
            publications_by_feed, feeds, market=SyntheticMarket(stores=3, items=30), days=1
        )
        chains.follow(clock)
        clock.when_moved(lambda: chains.follow(clock))
        yield replica


def move(replica: Replica, **how: Any) -> requests.Response:
    return requests.post(f"{replica.url}/control/clock", json=how, timeout=30)


def names(replica: Replica) -> list[FileName]:
    portal = open_portal(find_feed("carrefour"), Settings(replica_url=replica.url))
    try:
        return [FileName.parse(file.name) for file in portal.list_files()]
    finally:
        portal.close()


def test_after_midnight_carrefour_is_nearly_empty_and_yesterday_is_merged(carrefour: Replica) -> None:
    before = names(carrefour)

    response = move(carrefour, forward=20 * 60).json()
    after_midnight = names(carrefour)
    page = requests.get(f"{carrefour.url}/publish_price/", timeout=10).text
    move(carrefour, now="2026-11-21T12:00")

    assert response == {"now": "2026-11-21T00:10:00+02:00", "speed": 0.0}
    assert "const files = [];" in page
    assert after_midnight == before
    days = {name.published_at.date() for name in names(carrefour)}
    assert len(days) == 2


def test_files_appear_as_the_clock_passes_their_stamps_and_go_when_it_is_set_back(carrefour: Replica) -> None:
    move(carrefour, now="2026-11-21T12:00")
    noon = names(carrefour)
    move(carrefour, forward=9 * 3600)
    evening = names(carrefour)
    move(carrefour, now="2026-11-21T12:00")

    news = set(evening) - set(noon)
    assert news
    assert all(LATE + timedelta(hours=12) < name.published_at for name in news)
    assert set(names(carrefour)) == set(noon)


def test_a_signed_link_expires_when_the_clock_goes_on(clock: SimulatedClock) -> None:
    with Replica(clock=clock) as replica:
        replica.publications("shufersal").put(*full_prices("7290027600007", range(1, 3), at=LATE))
        shufersal = ShufersalVisitor(replica.url)
        [link, _] = shufersal.links()
        fresh = shufersal.fetch(link).status_code

        move(replica, forward=31 * 60)

        assert (fresh, shufersal.fetch(link).status_code) == (200, 403)


@pytest.mark.parametrize("how", [{"now": "tomorrow"}, {"speed": "fast"}, {"hour": 3}])
def test_a_move_that_is_none_is_said_and_moves_nothing(carrefour: Replica, how: dict[str, Any]) -> None:
    assert move(carrefour, **how).status_code == 400
    assert (
        requests.get(f"{carrefour.url}/control/clock", timeout=10)
        .json()["now"]
        .startswith("2026-11-20T23:50")
    )


def test_a_clock_of_somebody_else_is_not_moved() -> None:
    with Replica(clock=MovableClock(LATE)) as replica:
        assert move(replica, forward=60).status_code == 409


def test_the_command_starts_at_any_time_and_plays_it_fast() -> None:
    options = ("--feed", "king_store", "--now", "2026-11-20T11:50", "--speed", "1800")
    with running(*options) as (process, url):
        at_first = listed(url)
        response = requests.get(f"{url}/control/clock", timeout=10).json()
        assert process.stdout is not None
        line = process.stdout.readline()

        assert response["now"].startswith("2026-11-20T1")
        assert line.startswith("2026-11-20 1")
        assert listed(url) > at_first
