"""PublishPrice: two days in one listing, and constants in a script that is read strictly."""

from contextlib import closing
from datetime import date, datetime, timedelta

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.publish_price import PublishPrice
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.portals.conftest import MovedClock, OpenPortal, options, publication
from gogobe_dagster_tests.portals.servers import Script, says, scripted

CHAIN = "7290055700007"
# As described in docs/portals.md, PublishPrice.
NAME = f"PriceFull{CHAIN}-001-0075-20260811-031000.gz"
FILES = f"""const files = [{{"name":"{NAME}","size":412345,"modified":"03:10 11-08-2026"}}];"""
BRANCHES = """const branches = [{"number":"0075","name":"סניף דוגמה"}];"""


def page(folder: str, files: str = FILES, branches: str = BRANCHES) -> Script:
    script = f"<script>\n  const path = '{folder}';\n  {files}\n  {branches}\n</script>"
    return says(f"<html><script>let x;</script>{script}<script>/* logic */</script></html>".encode())


def listed(*scripts: Script, day: date | None = None) -> tuple[list[RemoteFile], list[str]]:
    with (
        scripted(*scripts) as server,
        closing(PublishPrice(options("carrefour", server.url, max_file_bytes=1000))) as portal,
    ):
        return portal.list_files(day), [request.split()[1] for request in server.requests]


def test_a_page_is_read_with_its_folder_and_yesterday_is_asked_for() -> None:
    files, asked = listed(page("20260811"), page("20260810", "const files = [];"))

    assert files == [
        RemoteFile(
            name=NAME,
            link=f"/20260811/{NAME}",
            size=412345,
            modified_at=datetime(2026, 8, 11, 3, 10, tzinfo=ISRAEL),
            label="סניף דוגמה",
        )
    ]
    assert asked == ["/", "/?date=20260810"]


def test_after_midnight_yesterday_is_listed_with_the_few_files_of_today(
    replica: Replica, open_feed: OpenPortal, clock: MovedClock
) -> None:
    names = [f"Price{CHAIN}-001-{store:04}-20261123-220000.gz" for store in range(1, 30)]
    stores = f"Stores{CHAIN}-000-20261124-000100.xml"
    older = f"Price{CHAIN}-001-0001-20261122-220000.gz"
    replica.publications("carrefour").put(*map(publication, [*names, stores, older]))
    clock.now = datetime(2026, 11, 24, 0, 5, tzinfo=ISRAEL)
    portal = open_feed("carrefour")

    files = portal.list_files()

    assert sorted(file.name for file in files) == sorted([*names, stores])
    assert all(b"".join(portal.fetch(file)) for file in files)
    assert [file.name for file in portal.list_files(date(2026, 11, 22))] == [older]


def test_a_day_without_files_is_empty_and_a_day_that_is_not_shown_is_an_error() -> None:
    day = date(2026, 8, 1)
    assert listed(page("20260801", "const files = [];"), day=day)[0] == []

    with pytest.raises(PortalError, match="shows another day") as caught:
        listed(page("20260811"), day=day)
    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


def test_a_day_that_the_first_way_does_not_bring_is_asked_for_by_its_path() -> None:
    today = date(2026, 8, 11)
    _, asked = listed(page("20260812"), page("20260811"), day=today)

    assert asked == ["/?date=20260811", "/?p=.%2F20260811"]


@pytest.mark.parametrize(
    "answer",
    [
        says(b""),
        says(b"[]"),
        says(b"<html><body><form action='/login'></form></body></html>"),
        page("2026-08-11"),
        page("20261341"),
        page("20260811", FILES.replace("files", "fileList")),
        page("20260811", "const files = loadFiles();"),
        page("20260811", 'const files = {"error": 1};'),
        page("20260811", FILES.replace('"name"', '"fname"')),
        page("20260811", FILES.replace("412345", '"402 KB"')),
        page("20260811", FILES.replace("03:10 11-08-2026", "2026-08-11 03:10")),
    ],
)
def test_a_page_that_is_not_as_it_was_is_an_error_and_no_empty_list(answer: Script) -> None:
    with pytest.raises(PortalError) as caught:
        listed(answer)

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


@pytest.mark.parametrize("branches", ["", "const branches = 7;", 'const branches = [{"number":null}, 3];'])
def test_names_of_branches_may_be_missing(branches: str) -> None:
    files, _ = listed(page("20260811", branches=branches), day=date(2026, 8, 11))

    assert [file.label for file in files] == [""]


def test_the_clock_of_the_portal_decides_what_today_is(
    replica: Replica, open_feed: OpenPortal, clock: MovedClock
) -> None:
    replica.publications("carrefour").put(publication(f"Price{CHAIN}-001-0001-20261123-100000.gz"))
    portal = open_feed("carrefour")
    counts = []
    for _ in range(3):
        counts.append(len(portal.list_files()))
        clock.now += timedelta(days=1)

    assert counts == [1, 1, 0]
