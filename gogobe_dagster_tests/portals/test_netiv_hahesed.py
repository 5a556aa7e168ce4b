"""Netiv HaHesed: links in any markup, empty days, and earlier days until the morning."""

from datetime import date, datetime

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.portals.netiv_hahesed import NetivHaHesed
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import MovedClock, OpenPortal, options, publication
from gogobe_dagster_tests.portals.servers import Script, ScriptedServer, list_scripted, says, scripted

CHAIN = "7290058160839"
TODAY = date(2026, 8, 11)
# As described in docs/portals.md, Netiv HaHesed; the table cells around the link are a guess.
NAME = f"PriceFull{CHAIN}-009-012-20260811-052500.GZ"
LINK = f"/Prices/Download?fileName={NAME}"
ROW = f"""<tr><td>{NAME.removesuffix(".GZ")}</td><td>11/08/2026 05:25</td>
<td><a href="{LINK}">הורדה</a></td></tr>"""
FILTER = '<form><input type="date" name="Date"><input name="StoreNumber"></form>'


def page(body: str) -> Script:
    return says(f"<!DOCTYPE html><html><body>{body}</body></html>".encode())


def delta(day: int) -> Script:
    return page(f'<a href="/Prices/Download?fileName=Price{CHAIN}-009-012-202608{day:02}-001500.GZ">x</a>')


def connector(server: ScriptedServer) -> NetivHaHesed:
    noon = datetime(2026, 8, 11, 12, tzinfo=ISRAEL)
    feed = find_feed("netiv_hahesed")
    return NetivHaHesed(options(feed, server.url, max_file_bytes=1000, clock=lambda: noon))


def listed(*scripts: Script, day: date | None = TODAY) -> list[RemoteFile]:
    return list_scripted(connector, *scripts, day=day)


@pytest.mark.parametrize(
    "body",
    [
        FILTER + f"<table>{ROW}</table>",
        f"<ul><li><a href='{LINK}'>{NAME}</a></li></ul>",
        f"<div><a href='/'>home</a><a href='{LINK}'><b>x</b></a><a href='http://[x'>y</a><a>z</a></div>",
        ROW * 2,
    ],
)
def test_every_download_link_is_taken_once_whatever_stands_around_it(body: str) -> None:
    assert listed(page(body)) == [RemoteFile(name=NAME, link=LINK)]


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (f"Prices/Download?fileName={NAME}", LINK),
        (f"/prices/download?filename={NAME}", f"/prices/download?filename={NAME}"),
        (f"/Prices/Download?day=1&amp;fileName={NAME}", f"/Prices/Download?day=1&fileName={NAME}"),
        (f"https://files.example{LINK}", f"https://files.example{LINK}"),
    ],
)
def test_links_may_be_relative_or_whole_and_written_otherwise(link: str, path: str) -> None:
    assert listed(page(ROW.replace(LINK, link))) == [RemoteFile(name=NAME, link=path)]


def test_a_page_without_links_is_an_empty_day_where_it_asks_for_one() -> None:
    assert listed(page(FILTER)) == []
    assert listed(page('<select id="BranchTypeNumber"></select>')) == []


@pytest.mark.parametrize(
    "answer",
    [
        says(b""),
        says(b'{"files": []}'),
        page("<h1>Maintenance</h1>"),
        page("<form action='/login'><input name='user'></form>"),
        page(FILTER + "<a href='/Prices/Download'>x</a>"),
        page(FILTER + "<a href='/Prices/Download?fileName='>x</a>"),
    ],
)
def test_a_page_that_is_not_as_it_was_is_an_error_and_no_empty_list(answer: Script) -> None:
    with pytest.raises(PortalError) as caught:
        listed(answer)

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


@pytest.mark.parametrize(
    "answer",
    [
        says(b'<!DOCTYPE html><html><div id="cf-chl-widget"></div></html>', status="403 Forbidden"),
        says(b"<!DOCTYPE html><title>Just a moment...</title>"),
        says(b"error code: 1010", status="403 Forbidden"),
    ],
)
def test_a_challenge_is_no_empty_day(answer: Script) -> None:
    with pytest.raises(PortalError) as caught:
        listed(answer, day=None)

    assert caught.value.code is Code.BOT_CHALLENGE


def test_only_today_is_read_once_its_full_files_are_there_and_as_a_browser_reads() -> None:
    with scripted(page(ROW)) as server:
        connector(server).list_files()

    [request] = server.requests
    fields = "StoreNumber=&FileType=&BranchTypeNumber=&Search="
    assert request.startswith(f"GET /?Date=2026-08-11&{fields} ")
    assert "User-Agent: Mozilla/5.0" in request


@pytest.mark.parametrize("today", [delta(11), page(FILTER)])
def test_while_today_has_only_deltas_or_nothing_three_days_back_are_read(today: Script) -> None:
    with scripted(today, delta(8), page(FILTER), page(ROW)) as server:
        files = connector(server).list_files()

    assert [request[11:21] for request in server.requests] == [
        "2026-08-11", "2026-08-08", "2026-08-09", "2026-08-10"
    ]  # fmt: skip
    assert NAME in {file.name for file in files}
    assert len(files) in {2, 3}


def test_the_last_files_of_yesterday_are_found_after_midnight(
    replica: Replica, open_feed: OpenPortal, clock: MovedClock
) -> None:
    names = [f"PriceFull{CHAIN}-009-012-20261123-052500.GZ", f"Price{CHAIN}-009-012-20261123-230000.GZ"]
    replica.publications("netiv_hahesed").put(*map(publication, names))
    clock.now = datetime(2026, 11, 24, 0, 30, tzinfo=ISRAEL)

    assert sorted(file.name for file in open_feed("netiv_hahesed").list_files()) == sorted(names)


@pytest.mark.parametrize("fault", [None, "only_deltas"])
def test_yesterday_is_listed_with_today_only_while_today_has_no_snapshot(
    replica: Replica, open_feed: OpenPortal, fault: str | None
) -> None:
    full, delta, old = (
        f"{kind}{CHAIN}-009-012-202611{day}-052500.GZ"
        for kind, day in (("PriceFull", 23), ("Price", 23), ("PriceFull", 20))
    )
    replica.publications("netiv_hahesed").put(*map(publication, (full, delta, old)))
    if fault:
        replica.faults.switch_on(fault, feed="netiv_hahesed")

    found = {file.name for file in open_feed("netiv_hahesed").list_files()}

    assert found == ({delta, old} if fault else {full, delta})


def test_a_past_day_is_that_day_or_an_error_when_the_portal_shows_another(
    replica: Replica, open_feed: OpenPortal
) -> None:
    old, new = (f"PriceFull{CHAIN}-009-012-202611{day}-052500.GZ" for day in ("01", "23"))
    replica.publications("netiv_hahesed").put(publication(old), publication(new))
    portal = open_feed("netiv_hahesed")

    assert [file.name for file in portal.list_files(date(2026, 11, 1))] == [old]
    assert portal.list_files(date(2026, 11, 2)) == []
    replica.faults.switch_on("day_ignored")
    with pytest.raises(PortalError, match="2026-11-02, the portal shows another day") as caught:
        portal.list_files(date(2026, 11, 2))
    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED
