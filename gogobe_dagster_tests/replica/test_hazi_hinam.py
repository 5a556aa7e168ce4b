"""Hazi Hinam's portal behaves as described in docs/portals.md, "Hazi Hinam"."""

import re
from datetime import timedelta

import pytest
from lxml import html

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.portal_clients import NOON, full_prices, get

CHAIN = "7290700100008"


def page(replica: Replica, query: str = "") -> str:
    return get(f"{replica.url}/hazi_hinam/Prices{query}").text


def names(replica: Replica, query: str = "") -> list[str]:
    return re.findall(r"<td>(\w+-[^<]+-[0-9]{6})</td>", page(replica, query))


def test_a_row_has_the_cells_of_the_table_and_its_link_gives_the_file(replica: Replica) -> None:
    (milk,) = full_prices(CHAIN, (206,))
    replica.publications("hazi_hinam").put(milk)

    cells = html.document_fromstring(page(replica)).iterfind(".//table/tbody/tr/td")

    assert ["".join(map(str, cell.itertext())) for cell in cells] == [
        "11-08-2026 15:26", "206 - דיל רחובות", milk.name.removesuffix(".gz"), "מחירים מלא", "0.1", "הורדה",
    ]  # fmt: skip
    [link] = re.findall(r'<a href="([^"]+)">הורדה', page(replica))
    assert link == f"{replica.url}/hazi_hinam/regulatories/{milk.name}"
    assert get(link).content == milk.read()


def test_pages_hold_fifty_newest_first_and_the_pager_ends_with_the_last(replica: Replica) -> None:
    files = full_prices(CHAIN, range(1, 121))
    replica.publications("hazi_hinam").put(*files)

    pages = [names(replica, f"?p={number}") for number in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [50, 50, 20, 0]
    assert [f"{name}.gz" for page in pages for name in page] == [file.name for file in reversed(files)]
    pager = re.findall(r'<li class="pagination-item"><a href="[^"?]+\?([^"]+)">(.)</a></li>', page(replica))
    assert pager == [("p=1", "1"), ("p=3", "»")]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("?p=1&s=&f=null&t=null&d=", 4),
        ("?d=2026-08-11", 3),
        ("?d=2026-08-12", 1),
        ("?d=2026-08-10", 0),
        ("?t=1", 2),
        ("?t=2", 1),
        ("?t=3", 1),
        ("?t=Stores", 1),
        ("?s=1", 4),
    ],
)
def test_day_and_document_filter_and_other_parameters_do_not(replica: Replica, query: str, rows: int) -> None:
    fulls = full_prices(CHAIN, (1,)) + full_prices(CHAIN, (2,), at=NOON + timedelta(days=1))
    others = [
        Publication(name=f"{kind}{CHAIN}-000-001-20260811-120000.gz", content=b"", published_at=NOON, kind=of)
        for kind, of in (("Promo", FileKind.PROMOTIONS), ("StoresFull", FileKind.STORES))
    ]
    replica.publications("hazi_hinam").put(*fulls, *others)

    assert len(names(replica, query)) == rows


def test_a_blocked_page_is_403_and_the_files_stay_open(replica: Replica) -> None:
    (milk,) = full_prices(CHAIN, (1,))
    replica.publications("hazi_hinam").put(milk)
    replica.faults.switch_on("blocked_page", feed="hazi_hinam")

    refused = get(f"{replica.url}/hazi_hinam/Prices")

    assert refused.status_code == 403
    assert "you have been blocked" in refused.text
    assert get(f"{replica.url}/hazi_hinam/regulatories/{milk.name}").ok
