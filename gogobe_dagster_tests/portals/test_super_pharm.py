"""Super-Pharm: a grid that is read strictly, a wall that smiles, and two ways to a file."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, CodedError, PortalError
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.super_pharm import SuperPharm
from gogobe_dagster.replica.publication import Publications
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import (
    MovedClock,
    OpenPortal,
    names_of_a_day,
    options,
    publication,
)
from gogobe_dagster_tests.portals.servers import Script, ScriptedServer, list_scripted, says, scripted

CHAIN = "7290172900007"
# As described in docs/portals.md, Super-Pharm.
NAME = f"PriceFull{CHAIN}-000-224-20260811-050010.gz"
LINK = f"/Download/{NAME}?bucketName=sp_transparency_output_prod_v2"
ROW = f"""<tr><td>1</td><td>{NAME}</td><td>11/08/2026 05:00:10</td>
<td>PriceFull</td><td>סניף דוגמה</td><td><a href="{LINK}">הורדה</a></td></tr>"""
MILK = b"\x1f\x8bmilk"


def grid(rows: str, total: int = 1, pager: str = "") -> Script:
    return says(
        f'<div class="mvc-grid" data-total-rows="{total}"><table><tbody>{rows}</tbody></table>'
        f'<div class="mvc-grid-pager">{pager}</div></div>'.encode()
    )


def connector(server: ScriptedServer) -> SuperPharm:
    return SuperPharm(options("super_pharm", server.url, max_file_bytes=1000))


def listed(*scripts: Script, day: date | None = None) -> list[RemoteFile]:
    return list_scripted(connector, *scripts, day=day)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def of_a_day(clock: MovedClock) -> Iterator[Replica]:
    publications = Publications(publication(name) for name in names_of_a_day("super_pharm"))
    with Replica({"super_pharm": publications}, clock=clock, session_seconds=1800) as replica:
        yield replica


def test_a_row_of_the_grid_is_read() -> None:
    assert listed(grid(ROW)) == [
        RemoteFile(
            name=NAME,
            link=LINK,
            modified_at=datetime(2026, 8, 11, 5, 0, 10, tzinfo=ISRAEL),
            label="סניף דוגמה",
        )
    ]


@pytest.mark.parametrize(
    ("printed", "name_date", "expected"),
    [
        ("08/11/2026 05:00:12", "20260811", "2026-08-11T05:00:12"),  # the month first
        ("11/08/2026 05:00:12", "20260811", "2026-08-11T05:00:12"),  # the day first
        ("08/25/2026 05:00:12", "20260825", "2026-08-25T05:00:12"),  # only month first is possible
        ("25/08/2026 05:00:12", "20260825", "2026-08-25T05:00:12"),  # only day first is possible
        ("12/08/2026 00:10:00", "20260811", "2026-08-12T00:10:00"),  # listed after midnight
    ],
)
def test_a_date_with_the_day_or_the_month_first_is_read(printed: str, name_date: str, expected: str) -> None:
    row = ROW.replace("11/08/2026 05:00:10", printed).replace("20260811", name_date)

    (file,) = listed(grid(row))

    assert file.modified_at == datetime.fromisoformat(expected).replace(tzinfo=ISRAEL)


@pytest.mark.parametrize(
    "answer",
    [
        says(b""),
        says(b'{"rows": []}'),
        says(b"<html><body><h1>Maintenance</h1></body></html>"),
        says(b"<html><form action='/login'></form></html>"),
        says(b'<div class="mvc-grid"></div>'),
        grid("<tr><td>1</td></tr>"),
        grid(ROW.replace("href=", "data-href=")),
        grid(ROW.replace(f'"{LINK}"', '"javascript:alert(1)"')),
        grid(ROW.replace("11/08/2026", "2026-08-11")),
        grid(ROW.replace(f"<td>{NAME}</td>", "<td></td>")),
    ],
)
def test_a_grid_that_is_not_as_it_was_is_an_error_and_no_empty_list(answer: Script) -> None:
    with pytest.raises(PortalError) as caught:
        listed(answer)

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


@pytest.mark.parametrize("total", [1, 21])
def test_a_page_without_the_rows_that_were_promised_is_truncated(total: int) -> None:
    first = [grid(ROW, total)] * 2 if total > 1 else [grid("", 1)]
    with pytest.raises(PortalError) as caught:
        listed(*first, grid("", total))

    assert caught.value.code is Code.LISTING_TRUNCATED


@pytest.mark.parametrize("row", ["", '<tr class="mvc-grid-empty-row"><td colspan="6">אין נתונים</td></tr>'])
def test_an_empty_grid_is_the_wall_and_an_empty_day_is_a_day(row: str) -> None:
    nothing, day = grid(row, 0), date(2026, 8, 8)

    assert listed(nothing, nothing, grid(ROW), day=day) == []
    with pytest.raises(PortalError) as of_day:
        listed(nothing, day=day)
    with pytest.raises(PortalError) as of_all:
        listed(nothing)

    assert of_day.value.code is of_all.value.code is Code.BOT_CHALLENGE


@pytest.mark.parametrize("href", ["/File/milk.gz", "File/milk.gz"])
def test_a_place_told_as_json_is_followed_with_the_same_cookies(href: str) -> None:
    entering = says(b"<html></html>", "Set-Cookie: session=1; Path=/")
    with scripted(entering, says(json.dumps({"href": href}).encode()), says(MILK)) as server:
        assert b"".join(connector(server).fetch(RemoteFile(name=NAME, link=LINK))) == MILK

    assert [request.split()[1] for request in server.requests] == ["/", LINK, "/File/milk.gz"]
    assert all("session=1" in request for request in server.requests[1:])


def test_json_that_tells_no_place_is_no_file() -> None:
    scripts = says(b"<html></html>"), says(b'{"Message": "error"}')
    with scripted(*scripts) as server, pytest.raises(CodedError) as caught:
        b"".join(connector(server).fetch(RemoteFile(name=NAME, link=LINK)))

    assert caught.value.code is Code.MESSAGE_INSTEAD_OF_FILE


def test_a_session_that_died_since_the_listing_is_renewed(of_a_day: Replica, clock: MovedClock) -> None:
    portal = SuperPharm(options("super_pharm", f"{of_a_day.url}/super_pharm", max_file_bytes=10_000))
    files = portal.list_files()
    clock.now += timedelta(hours=1)

    contents = {file.name: b"".join(portal.fetch(file)) for file in files}
    portal.close()

    assert contents == {
        publication.name: publication.read() for publication in of_a_day.publications("super_pharm").all()
    }


def test_a_link_that_changed_with_the_session_is_found_again() -> None:
    new = LINK.replace("_v2", "_v3")
    scripts = (grid(ROW), says(b"Link Expired"), grid(ROW), grid(ROW.replace(LINK, new)), says(MILK))
    with scripted(*scripts) as server:
        assert b"".join(connector(server).fetch(RemoteFile(name=NAME, link=LINK))) == MILK

    asked = [request.split()[1] for request in server.requests]
    assert asked[3] == "/?page=1&Date-equals=11%2F08%2F2026&Category-equals=PriceFull"
    assert asked[4] == new


def test_more_rows_than_a_page_are_all_listed_though_rows_appear(
    replica: Replica, open_feed: OpenPortal
) -> None:
    names = [f"Price{CHAIN}-000-{at:03}-20261123-1000{at % 60:02}.gz" for at in range(1, 131)]
    replica.publications("super_pharm").put(*map(publication, names))
    replica.faults.switch_on("row_inserted_while_paging", feed="super_pharm")

    assert sorted(file.name for file in open_feed("super_pharm").list_files()) == sorted(names)
