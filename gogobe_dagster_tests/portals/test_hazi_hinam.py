"""Hazi Hinam: a table that is read strictly, three days of it, and Cloudflare's wall in all its faces."""

from datetime import date, datetime

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.portals.hazi_hinam import HaziHinam
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import OpenPortal, options, publication
from gogobe_dagster_tests.portals.servers import Script, ScriptedServer, list_scripted, says, scripted

CHAIN = "7290700100008"
TODAY = date(2026, 8, 11)
# As described in docs/portals.md, Hazi Hinam.
STEM = f"PriceFull{CHAIN}-000-206-20260811-011315"
LINK = f"https://hazihinamprod01.blob.core.windows.net/regulatories/{STEM}.gz"
ROW = f"""<tr><td><span>11-08-2026</span> <span>01:13</span></td><td>206</td><td>{STEM}</td>
<td>מחירים מלא</td><td>215.4</td>
<td><a href="{LINK}">הורדה</a></td></tr>"""
PAGER = """<ul><li class="pagination-item"><a href="/Prices?p=1&t=null">1</a></li>
<li class="pagination-item"><a href="/Prices?p={}&t=null">»</a></li></ul>"""


def rows(*stores: int) -> str:
    return "".join(ROW.replace("206", f"{store:03}") for store in stores)


def page(rows: str, last: int = 1) -> Script:
    return says(f"<table><tbody>\n{rows}</tbody></table>{PAGER.format(last)}".encode())


def connector(server: ScriptedServer) -> HaziHinam:
    noon = datetime(2026, 8, 11, 12, tzinfo=ISRAEL)
    feed = find_feed("hazi_hinam")
    return HaziHinam(options(feed, server.url, max_file_bytes=1000, clock=lambda: noon))


def listed(*scripts: Script, day: date | None = TODAY) -> list[RemoteFile]:
    return list_scripted(connector, *scripts, day=day)


@pytest.mark.parametrize("between", [" ", ""])
def test_a_row_of_the_table_is_read_and_the_link_says_the_whole_name(between: str) -> None:
    [file] = listed(page(ROW.replace("</span> <span>", f"</span>{between}<span>")))

    assert (file.name, file.link, file.label) == (f"{STEM}.gz", LINK, "206")
    assert file.modified_at == datetime(2026, 8, 11, 1, 13, tzinfo=ISRAEL)
    assert file.size is not None
    assert abs(file.size - 215.4 * 1000) <= file.size_tolerance < 12_000


@pytest.mark.parametrize("size", ["1,215.4", "1215.4", "1,215.4 KB"])
def test_a_size_may_have_separators_of_thousands(size: str) -> None:
    [file] = listed(page(ROW.replace("215.4", size)))

    assert file.size == round(1215.4 * 1024)


def test_without_a_day_today_and_the_two_days_before_are_joined() -> None:
    with scripted(page(rows(1)), page(rows(2)), page(rows(2, 3))) as server:
        files = connector(server).list_files()

    assert [file.label for file in files] == ["001", "002", "003"]
    asked = [request.split()[1] for request in server.requests]
    assert asked == [
        f"/Prices?p=1&s=&f=null&t=null&d={day}" for day in ("2026-08-09", "2026-08-10", "2026-08-11")
    ]


def test_the_last_page_is_the_highest_of_the_pager_and_the_first_is_read_again() -> None:
    scripts = [page(rows(1, 2), 3), page(rows(3), 3), page(rows(4), 3), page(rows(5, 1), 3), page(rows(1), 3)]
    with scripted(*scripts) as server:
        files = connector(server).list_files(TODAY)

    assert len(files) == 5
    assert [request.split()[1][10:11] for request in server.requests] == list("12312")


@pytest.mark.parametrize("after", [page(""), page(rows(*range(1, 51)))])
def test_after_a_full_page_another_is_asked_for_though_no_pager_says_so(after: Script) -> None:
    with scripted(page(rows(*range(1, 51))), after) as server:
        assert len(connector(server).list_files(TODAY)) == 50

    assert server.requests[1].startswith("GET /Prices?p=2&")


@pytest.mark.parametrize(
    "scripts", [[page("", 4)], [page(rows(1), 3), page("", 3)], [page(rows(1), 3), page("")]]
)
def test_an_empty_page_before_the_last_is_truncated(scripts: list[Script]) -> None:
    with pytest.raises(PortalError) as caught:
        listed(*scripts)

    assert caught.value.code is Code.LISTING_TRUNCATED


@pytest.mark.parametrize("nothing", ["", '<tr><td colspan="6">אין קבצים</td></tr>', "<tr><th>שם</th></tr>"])
def test_a_table_without_rows_is_an_empty_day(nothing: str) -> None:
    assert listed(page(nothing)) == []


@pytest.mark.parametrize(
    "answer",
    [
        says(b""),
        says(b'{"rows": []}'),
        says(b"<html><body><h1>Maintenance</h1></body></html>"),
        says(b"<html><form action='/login'></form></html>"),
        page("<tr><td>11-08-2026 01:13</td><td>206</td></tr>"),
        page("<tr><td>a</td></tr><tr><td>b</td></tr>"),
        page(ROW.replace("href=", "data-href=")),
        page(ROW.replace(LINK, "/")),
        page(ROW.replace(LINK, "javascript:alert(1)")),
        page(ROW.replace("11-08-2026", "2026-08-11")),
        page(ROW.replace("215.4", "large")),
        page(ROW.replace("<td>206</td>", "")),
    ],
)
def test_a_table_that_is_not_as_it_was_is_an_error_and_no_empty_list(answer: Script) -> None:
    with pytest.raises(PortalError) as caught:
        listed(answer)

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


@pytest.mark.parametrize(
    "answer",
    [
        says(b"<!DOCTYPE html><title>Just a moment...</title>", status="403 Forbidden"),
        says(b"<!DOCTYPE html><title>Just a moment...</title>"),
        says(b"<!DOCTYPE html><h1>Sorry, you have been blocked</h1>"),
        says(b"error code: 1020", status="403 Forbidden"),
        says(b"", "cf-mitigated: challenge", status="503 Service Unavailable"),
    ],
)
def test_the_wall_is_a_bot_challenge_whatever_it_says_and_is_asked_once(answer: Script) -> None:
    with scripted(answer) as server, pytest.raises(PortalError) as caught:
        connector(server).list_files()

    assert caught.value.code is Code.BOT_CHALLENGE
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [None, "day_ignored"])
def test_a_past_day_is_that_day_or_an_error_when_the_portal_shows_another(
    replica: Replica, open_feed: OpenPortal, fault: str | None
) -> None:
    replica.publications("hazi_hinam").put(publication(f"PriceFull{CHAIN}-000-206-20261123-011315.gz"))
    portal = open_feed("hazi_hinam")
    if fault is None:
        assert portal.list_files(date(2026, 10, 1)) == []
        return
    replica.faults.switch_on(fault)
    with pytest.raises(PortalError, match="2026-10-01, the portal shows another day") as caught:
        portal.list_files(date(2026, 10, 1))

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


@pytest.mark.parametrize("fault", [None, "row_inserted_while_paging"])
def test_more_rows_than_a_page_over_three_days_are_all_listed_though_rows_appear(
    replica: Replica, open_feed: OpenPortal, fault: str | None
) -> None:
    names = [
        f"Price{CHAIN}-000-{store:03}-202611{day}-10{store // 60:02}{store % 60:02}.gz"
        for day in (21, 22, 23)
        for store in range(1, 121)
    ]
    older = f"Price{CHAIN}-000-001-20261120-100000.gz"
    replica.publications("hazi_hinam").put(*map(publication, [*names, older]))
    if fault:
        replica.faults.switch_on(fault, feed="hazi_hinam")

    assert sorted(file.name for file in open_feed("hazi_hinam").list_files()) == sorted(names)
