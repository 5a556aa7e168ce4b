"""City Market Shops: names without extensions, columns that nobody is sure of, and past days."""

from datetime import date, datetime

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.city_market import CityMarket
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import OpenPortal, options, publication
from gogobe_dagster_tests.portals.servers import Script, ScriptedServer, list_scripted, says, scripted

CHAIN = "7290000000003"
# As described in docs/portals.md, City Market Shops.
NAME = f"PriceFull{CHAIN}-000-079-20260811-051000"
LINK = "/downloadFile/123e4567-e89b-12d3-a456-426614174000"
ROW = f"""<tr><td>11-08-2026 05:10</td><td>חברה לדוגמה בע"מ, הרצל 1 גבעתיים</td><td>{NAME}</td>
<td>מחירים</td><td>מלא</td><td>12.4</td><td><a href="{LINK}">הורדה</a></td></tr>"""


def page(rows: str) -> Script:
    return says(f"<table><tbody>{rows}</tbody></table>".encode())


def connector(server: ScriptedServer) -> CityMarket:
    return CityMarket(options("city_market_shops", server.url, max_file_bytes=1000))


def listed(*scripts: Script, day: date | None = None) -> list[RemoteFile]:
    return list_scripted(connector, *scripts, day=day)


def test_a_row_of_the_table_is_read_and_its_name_has_no_extension() -> None:
    [file] = listed(page(ROW))

    assert (file.name, file.link) == (NAME, LINK)
    assert file.label == 'חברה לדוגמה בע"מ, הרצל 1 גבעתיים'
    assert file.modified_at == datetime(2026, 8, 11, 5, 10, tzinfo=ISRAEL)
    assert file.size == round(12.4 * 1024)


@pytest.mark.parametrize(
    "written", ["11/08/2026 05:10", "2026-08-11 05:10:00", "2026-08-11T05:10", "11-08-2026 05:10:30"]
)
def test_a_time_is_taken_in_each_form_that_is_likely(written: str) -> None:
    [file] = listed(page(ROW.replace("11-08-2026 05:10", written)))

    assert file.modified_at == datetime(2026, 8, 11, 5, 10, tzinfo=ISRAEL)


@pytest.mark.parametrize("first", ["", "1", "מחירים"])
def test_a_first_column_that_is_no_time_is_let_be(first: str) -> None:
    [file] = listed(page(ROW.replace("11-08-2026 05:10", first)))

    assert (file.name, file.modified_at) == (NAME, None)


def test_a_day_is_asked_for_by_its_date_and_all_days_without() -> None:
    with scripted(page(ROW)) as server:
        portal = connector(server)
        portal.list_files()
        portal.list_files(date(2026, 8, 11))

    assert [request.split()[1] for request in server.requests] == ["/?p=1", "/?d=2026-08-11&p=1"]


@pytest.mark.parametrize(
    "answer",
    [
        says(b"<html><body><h1>Maintenance</h1></body></html>"),
        page("<tr><td>11-08-2026 05:10</td><td>a</td></tr>"),
        page(ROW.replace(LINK, "https://elsewhere/downloadFile/1")),
        page(ROW.replace(NAME, "")),
        page(ROW.replace("12.4", "-")),
        page(ROW.replace("11-08-2026", "11-18-2026")),
        page(ROW.replace("<td>מלא</td>", "")),
    ],
)
def test_a_table_that_is_not_as_it_was_is_an_error_and_no_empty_list(answer: Script) -> None:
    with pytest.raises(PortalError) as caught:
        listed(answer)

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


@pytest.mark.parametrize("fault", [None, "day_ignored"])
def test_a_past_day_is_that_day_or_an_error_when_the_portal_shows_another(
    replica: Replica, open_feed: OpenPortal, fault: str | None
) -> None:
    old, new = (f"PriceFull{CHAIN}-000-079-202611{day}-051000" for day in ("01", "23"))
    replica.publications("city_market_shops").put(publication(old), publication(new))
    portal = open_feed("city_market_shops")
    if fault is None:
        assert [file.name[-15:] for file in portal.list_files(date(2026, 11, 1))] == ["20261101-051000"]
        assert portal.list_files(date(2026, 11, 2)) == []
        return
    replica.faults.switch_on(fault)
    with pytest.raises(PortalError, match="2026-11-02, the portal shows another day") as caught:
        portal.list_files(date(2026, 11, 2))

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED
