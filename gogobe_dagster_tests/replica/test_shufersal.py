"""Shufersal's portal behaves as described in docs/portals.md, "Shufersal"."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from lxml import html

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.conftest import MovableClock
from gogobe_dagster_tests.replica.portal_clients import NOON, ShufersalVisitor, full_prices, name_in

SHUFERSAL = "7290027600007"


def fetch(link: str) -> requests.Response:
    return requests.get(link, timeout=10)


def test_a_row_has_the_cells_of_the_grid(replica: Replica, shufersal: ShufersalVisitor) -> None:
    (deal,) = full_prices(SHUFERSAL, (357,))
    replica.publications("shufersal").put(deal)

    grid = html.document_fromstring(shufersal.page())
    cells = [
        "".join(map(str, cell.itertext()))
        for cell in grid.iterfind(".//*[@id='gridContainer']/table/tbody/tr/td")
    ]

    assert cells == [
        "לחץ להורדה",
        "8/11/2026 5:57:00 PM",
        f"{len(deal.read()) / 1024:.2f} KB",
        "GZ",
        "pricefull",
        "357 - דיל רחובות",
        deal.name.removesuffix(".gz"),
        "1",
    ]


def test_a_link_works_only_after_its_ampersands_are_decoded(
    replica: Replica, shufersal: ShufersalVisitor
) -> None:
    (deal,) = full_prices(SHUFERSAL, (1,))
    replica.publications("shufersal").put(deal)
    (link,) = shufersal.links()

    assert "&amp;sig=" in shufersal.page()
    assert urlsplit(link).path == f"/shufersal/blob/pricefull/{deal.name}"
    assert fetch(link).content == deal.read()
    assert fetch(link.replace("&", "&amp;")).status_code == 403


def test_a_link_dies_after_half_an_hour_and_a_new_listing_brings_a_live_one(
    replica: Replica, shufersal: ShufersalVisitor, clock: MovableClock
) -> None:
    replica.publications("shufersal").put(*full_prices(SHUFERSAL, (1,)))
    (old,) = shufersal.links()

    clock.time += timedelta(minutes=31)
    refused = fetch(old)

    assert refused.status_code == 403
    assert "<Code>AuthenticationFailed</Code>" in refused.text
    assert fetch(shufersal.links()[0]).ok


def test_the_life_of_a_link_is_a_setting_and_its_end_is_in_utc(clock: MovableClock) -> None:
    with Replica(clock=clock, link_seconds=1) as replica:
        replica.publications("shufersal").put(*full_prices(SHUFERSAL, (1,)))
        (link,) = ShufersalVisitor(replica.url).links()

        assert parse_qs(urlsplit(link).query)["se"] == ["2026-08-11T09:00:01Z"]
        assert fetch(link).ok
        clock.time += timedelta(seconds=1)
        assert fetch(link).status_code == 403


def test_a_link_of_one_file_opens_no_other(replica: Replica, shufersal: ShufersalVisitor) -> None:
    replica.publications("shufersal").put(*full_prices(SHUFERSAL, (1, 2)))
    first, other = shufersal.links()

    assert fetch(first.replace(name_in(first), name_in(other))).status_code == 403
    assert fetch(first.partition("?")[0]).status_code == 403


def test_pages_hold_twenty_newest_first_and_beyond_the_last_comes_the_last(
    replica: Replica, shufersal: ShufersalVisitor
) -> None:
    files = full_prices(SHUFERSAL, range(1, 46))
    replica.publications("shufersal").put(*files)

    pages = [[name_in(link) for link in shufersal.links(number)] for number in (1, 2, 3, 4, 99)]

    assert [len(page) for page in pages] == [20, 20, 5, 5, 5]
    assert pages[2] == pages[3] == pages[4]
    assert pages[0] + pages[1] + pages[2] == [file.name for file in reversed(files)]


def test_the_pager_names_the_last_page_in_its_sixth_link(
    replica: Replica, shufersal: ShufersalVisitor
) -> None:
    replica.publications("shufersal").put(*full_prices(SHUFERSAL, range(1, 450)))

    pager = re.findall(r'<a href="([^"]+)">([^<]+)</a>', shufersal.page().partition("</tfoot>")[0])

    assert [text for _, text in pager] == ["2", "3", "4", "5", "&gt;", "&gt;&gt;"]
    assert pager[5][0] == "/shufersal/FileObject/UpdateCategory?catID=2&amp;storeId=0&amp;page=23"


def test_category_and_store_filter(replica: Replica, shufersal: ShufersalVisitor) -> None:
    first, second = full_prices(SHUFERSAL, (1, 2))
    stores = Publication(
        name="Stores7290027600007-000-20260811-025.gz", content=b"x", published_at=NOON, kind=FileKind.STORES
    )
    replica.publications("shufersal").put(first, second, stores)

    assert {name_in(link) for link in shufersal.links(category=0)} == {first.name, second.name, stores.name}
    assert [name_in(link) for link in shufersal.links(category=5)] == [stores.name]
    assert [name_in(link) for link in shufersal.links(category=2, store=2)] == [second.name]
    assert shufersal.links(category=1) == []


def test_a_list_of_categories_is_refused(shufersal: ShufersalVisitor) -> None:
    answer = requests.get(f"{shufersal.url}/FileObject/UpdateCategory?catID=2,4", timeout=10)

    assert answer.status_code == 500


@pytest.mark.parametrize(("size", "shown"), [(346_440, "338.32 KB"), (5_767_168, "5.50 MB")])
def test_sizes_are_in_kilobytes_or_megabytes(
    replica: Replica, shufersal: ShufersalVisitor, size: int, shown: str
) -> None:
    (deal,) = full_prices(SHUFERSAL, (1,))
    replica.publications("shufersal").put(
        Publication(name=deal.name, content=bytes(size), published_at=NOON, kind=deal.kind, store_id=1)
    )

    assert f"<td>{shown}</td>" in shufersal.page()
