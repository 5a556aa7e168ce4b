"""Wolt Market: which day is the newest, and which page is no list."""

from datetime import date, timedelta

import pytest

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.identity import classify_listing
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.wolt import Wolt
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import MovedClock, OpenPortal, options, publication
from gogobe_dagster_tests.portals.servers import Script, ScriptedServer, says, scripted

WOLT = find_feed("wolt_market")
# As described in docs/portals.md, Wolt.
DAYS = '<li><a href="2026-07-03.html">2026-07-03</a></li><li><a href="2026-07-02.html">2026-07-02</a></li>'
NAME = "PriceFull7290058249350-000-043-20260703-000055.gz"
FILE = f'<li><a href="download/2026-07-03/{NAME}">{NAME}</a></li>'


def page(lines: str) -> Script:
    return says(f"<!DOCTYPE html><html><body><ul>{lines}</ul></body></html>".encode())


def connector(server: ScriptedServer) -> Wolt:
    return Wolt(options(WOLT, server.url))


def asked(server: ScriptedServer) -> list[str]:
    return [request.split()[1] for request in server.requests]


def test_the_newest_day_is_read_and_its_links_are_below_the_folder() -> None:
    with scripted(page(DAYS), page(FILE * 2)) as server:
        files = connector(server).list_files()

    assert files == [RemoteFile(name=NAME, link=f"/isr-prices/public/v1/download/2026-07-03/{NAME}")]
    assert asked(server) == ["/isr-prices/public/v1/index.html", "/isr-prices/public/v1/2026-07-03.html"]


@pytest.mark.parametrize("fault", [None, "oldest_first"])
def test_in_whatever_order_days_come_the_newest_is_taken_and_months_later_its_files_are_stale(
    replica: Replica, open_feed: OpenPortal, clock: MovedClock, fault: str | None
) -> None:
    names = [f"PriceFull7290058249350-000-043-202608{day:02}-000055.gz" for day in (1, 3, 2)]
    replica.publications("wolt_market").put(*(publication(name) for name in names))
    if fault:
        replica.faults.switch_on(fault)

    [file] = open_feed("wolt_market").list_files()
    seen = classify_listing(file, WOLT, now=clock.now, requested=(), stale_after=timedelta(days=3))

    assert file.name == names[1]
    assert seen.problem
    assert seen.problem.code is Code.STALE_FILE


def test_a_day_that_is_not_in_the_index_is_empty_and_its_page_is_not_asked_for() -> None:
    with scripted(page(DAYS)) as server:
        assert connector(server).list_files(date(2026, 7, 1)) == []

    assert asked(server) == ["/isr-prices/public/v1/index.html"]


def test_a_day_that_the_index_names_and_nobody_has_is_an_error_and_no_empty_list() -> None:
    with (
        scripted(page(DAYS), says(b"Bad Request", status="400 Bad Request")) as server,
        pytest.raises(PortalError, match=r"2026-07-02\.html") as caught,
    ):
        connector(server).list_files(date(2026, 7, 2))

    assert caught.value.code is Code.NOT_FOUND
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "answers",
    [
        [says(b"")],
        [says(b"<html><body><h1>Maintenance</h1></body></html>")],
        [says(b'{"days": []}')],
        [page('<li><a href="yesterday.html">2026-07-03</a></li>')],
        [page('<li><a href="2026-13-03.html">2026-13-03</a></li>')],
        [page("<li>2026-07-03</li>")],
        [page(DAYS), says(b"<html><body></body></html>")],
        [page(DAYS), page("<li>no files</li>")],
        [page(DAYS), page('<li><a href="download/2026-07-03/">up</a></li>')],
        [page(DAYS), page(FILE.replace("download/", "https://elsewhere/"))],
        [page(DAYS), page(FILE.replace("download/", "../"))],
        [page(DAYS), page(FILE.replace("download/", "http://[x/"))],
    ],
)
def test_a_page_that_is_not_as_it_was_is_an_error_and_no_empty_list(answers: list[Script]) -> None:
    with scripted(*answers) as server, pytest.raises(PortalError) as caught:
        connector(server).list_files()

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED
