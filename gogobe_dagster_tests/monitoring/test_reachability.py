"""Who answers: real sockets that answer, refuse, hang or are not there."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.feed_settings import FeedOverride
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.monitoring.reachability import probe_portals
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.portal_pause import PortalAccount, record_refusal
from gogobe_dagster.warehouse.ledger.portal_probes import KEPT, PortalProbe, last_probes, record_probes
from gogobe_dagster.warehouse.schema.enums import Reach
from gogobe_dagster_tests.portals.servers import ScriptedServer, reset, says, scripted, stay_silent
from gogobe_dagster_tests.ports import free_port

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECONDS = 2.0
WALL = b"<html><title>Just a moment...</title></html>"
EMPTY = says(b"[]")


Probe = Callable[..., dict[str, tuple[Reach, str | None]]]


@pytest.fixture
def probe(engine: sa.Engine, warehouse_url: str) -> Probe:
    """Probe feeds at these addresses; return answer and code of each."""
    with engine.begin() as connection:
        connection.execute(sa.text("delete from portal_pause"))

    def run(**addresses: str) -> dict[str, tuple[Reach, str | None]]:
        overrides = {key: FeedOverride(base_url=url) for key, url in addresses.items()}
        settings = Settings(feed=overrides, database_url=warehouse_url)
        with closing(Resources(settings, clock=lambda: NOON)) as resources:
            feeds = [find_feed(key) for key in addresses]
            probes = list(probe_portals(feeds, resources, seconds=SECONDS))
        assert [probe.feed for probe in probes] == list(addresses)
        return {probe.feed: (probe.reach, probe.code) for probe in probes}

    return run


@contextmanager
def not_listening() -> Iterator[str]:
    """An address at which connections are refused."""
    yield f"http://127.0.0.1:{free_port()}"


@contextmanager
def not_tls() -> Iterator[ScriptedServer]:
    with scripted(says(b"plain HTTP")) as server:
        server.url = server.url.replace("http:", "https:")
        yield server


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("403 Forbidden", b"closed"),
        ("451 Unavailable For Legal Reasons", b"not in your country"),
        ("200 OK", WALL),
        ("503 Service Unavailable", WALL),
    ],
)
def test_a_portal_that_refuses_this_machine_is_refused(probe: Probe, status: str, body: bytes) -> None:
    with scripted(says(body, "Content-Type: text/html", status=status)) as server:
        answers = probe(mishnat_yosef_worker=server.url)

    assert answers["mishnat_yosef_worker"][0] is Reach.REFUSED
    assert len(server.requests) == 1, "asked once"


@pytest.mark.parametrize(
    ("status", "body"),
    [("200 OK", b"[]"), ("200 OK", b"<html>another page</html>"), ("500 Internal Server Error", b"oops")],
)
def test_a_portal_that_answers_badly_answers(probe: Probe, status: str, body: bytes) -> None:
    with scripted(says(body, status=status)) as server:
        answers = probe(mishnat_yosef_worker=server.url)

    assert answers["mishnat_yosef_worker"][0] is Reach.ANSWERS
    assert len(server.requests) == 1


def test_a_portal_that_is_not_there_does_not_answer(probe: Probe) -> None:
    with not_listening() as refused, not_tls() as tls, scripted(EMPTY) as good:
        answers = probe(
            mishnat_yosef_worker=good.url,
            wolt_market=refused,
            carrefour=tls.url,
            hazi_hinam="http://portal.invalid",
        )

    assert answers == {
        "mishnat_yosef_worker": (Reach.ANSWERS, None),
        "wolt_market": (Reach.NO_ANSWER, "no_connection"),
        "carrefour": (Reach.NO_ANSWER, "tls_error"),
        "hazi_hinam": (Reach.NO_ANSWER, "dns_dead"),
    }


@pytest.mark.parametrize("silence", [stay_silent, reset])
def test_a_silent_portal_refuses_this_machine_only_while_others_answer(probe: Probe, silence: object) -> None:
    assert callable(silence)
    with scripted(silence) as hanging, scripted(EMPTY) as good:
        with_others = probe(wolt_market=hanging.url, mishnat_yosef_worker=good.url)
        alone = probe(wolt_market=hanging.url)

    assert with_others["wolt_market"] == (Reach.REFUSED, "connection_lost")
    assert alone["wolt_market"] == (Reach.NO_ANSWER, "connection_lost")


def test_a_silent_portal_is_not_asked_for_its_other_feeds(probe: Probe) -> None:
    with scripted(stay_silent) as hanging:
        answers = probe(victory=hanging.url, mahsanei_hashuk=hanging.url, het_cohen=hanging.url)

    assert {reach for reach, _ in answers.values()} == {Reach.NO_ANSWER}
    assert len(hanging.requests) == 1


def test_a_listing_of_several_pages_is_asked_for_the_first(probe: Probe) -> None:
    """A listing of Bina takes a request per kind of file."""
    with scripted(EMPTY) as server:
        answers = probe(king_store=server.url)

    assert answers == {"king_store": (Reach.ANSWERS, None)}
    assert len(server.requests) == 1


def test_an_account_is_logged_in_and_a_wrong_password_is_an_answer(warehouse_url: str) -> None:
    with Replica(clock=lambda: NOON) as replica:
        keshet, osher_ad = find_feed("keshet"), find_feed("osher_ad")
        wrong = {"osher_ad": FeedOverride(password="wrong", transport="web")}
        settings = Settings(replica_url=replica.url, feed=wrong, database_url=warehouse_url)
        with closing(Resources(settings, clock=lambda: NOON)) as resources:
            probes = {probe.feed: probe for probe in probe_portals([keshet, osher_ad], resources)}

    assert {probe.reach for probe in probes.values()} == {Reach.ANSWERS}
    assert probes["osher_ad"].code == "auth_failed"


def test_a_portal_that_asked_to_be_left_alone_is_left_alone(probe: Probe, engine: sa.Engine) -> None:
    with scripted(EMPTY) as server:
        at = PortalAccount(portal=server.url, account="list-files")
        record_refusal(engine, at, PortalError(Code.RATE_LIMITED, "status 429"), now=NOON)
        answers = probe(mishnat_yosef_worker=server.url)

    assert answers == {"mishnat_yosef_worker": (Reach.ANSWERS, "rate_limited")}
    assert server.requests == []


def test_the_last_twenty_answers_of_each_feed_are_kept(engine: sa.Engine) -> None:
    for number in range(KEPT + 5):
        at = NOON + timedelta(weeks=number)
        answers = PortalProbe(
            feed="keshet", probed_at=at, reach=Reach.ANSWERS, code=None, reason=None, seconds=0.5
        )
        refused = replace(answers, feed="victory", reach=Reach.REFUSED, code="geo_blocked")
        record_probes(engine, [answers, refused] if number % 2 else [answers])

    with engine.connect() as connection:
        query = "select feed, count(*), min(probed_at) from portal_probe group by feed order by feed"
        rows = [tuple(row) for row in connection.execute(sa.text(query))]
    assert rows == [
        ("keshet", KEPT, NOON + timedelta(weeks=5)),
        ("victory", 12, NOON + timedelta(weeks=1)),
    ]
    newest = last_probes(engine)
    assert newest["keshet"].probed_at == NOON + timedelta(weeks=KEPT + 4)
    assert newest["victory"].reach is Reach.REFUSED


def test_a_port_is_free_again() -> None:
    """The address that refuses is one at which nobody listens."""
    with not_listening() as url, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 1)
