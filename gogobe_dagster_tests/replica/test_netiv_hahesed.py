"""Netiv HaHesed's portal behaves as described in docs/portals.md, "Netiv HaHesed"."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.conftest import MovableClock
from gogobe_dagster_tests.replica.portal_clients import full_prices, get

CHAIN = "7290058160839"
BROWSER = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}


def get_page(replica: Replica, path: str = "/") -> requests.Response:
    return requests.get(f"{replica.url}/netiv_hahesed{path}", headers=BROWSER, timeout=10)


def names(replica: Replica, query: str = "") -> list[str]:
    return re.findall(r"/Prices/Download\?fileName=([^\"]+)", get_page(replica, f"/{query}").text)


def milk(store: int = 12) -> Publication:
    (file,) = full_prices(CHAIN, (store,))
    return replace(file, name=file.name.replace(".gz", ".GZ"))


def test_a_row_has_a_link_that_gives_the_file(replica: Replica) -> None:
    replica.publications("netiv_hahesed").put(milk())

    page = get_page(replica).text

    assert f'<a href="/Prices/Download?fileName={milk().name}">' in page
    assert "<td>11/08/2026 12:12</td>" in page
    assert get_page(replica, f"/Prices/Download?fileName={milk().name}").content == milk().read()
    assert get_page(replica, "/Prices/Download?fileName=none").status_code == 404


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", 60),
        ("?Date=2026-08-11&StoreNumber=&FileType=&BranchTypeNumber=&Search=", 60),
        ("?Date=2026-08-10", 0),
        ("?Date=2026-08-11&StoreNumber=7", 1),
        ("?Date=2026-08-11&StoreNumber=70", 0),
    ],
)
def test_a_day_is_one_page_and_may_be_of_one_store(replica: Replica, query: str, rows: int) -> None:
    replica.publications("netiv_hahesed").put(*map(milk, range(1, 61)))

    assert len(names(replica, query)) == rows
    assert '<input type="date" name="Date"' in get_page(replica, f"/{query}").text


def test_without_a_day_it_is_today_by_the_clock(replica: Replica, clock: MovableClock) -> None:
    replica.publications("netiv_hahesed").put(milk())

    clock.time += timedelta(days=1)

    assert names(replica) == []
    assert names(replica, "?Date=2026-08-11") == [milk().name]


def test_programs_are_challenged_and_browsers_are_not(replica: Replica) -> None:
    refused = get(f"{replica.url}/netiv_hahesed/")

    assert refused.status_code == 403
    assert "Just a moment" in refused.text
    assert get_page(replica).ok


def test_only_deltas_hides_the_full_files_of_today_alone(replica: Replica, clock: MovableClock) -> None:
    replica.publications("netiv_hahesed").put(milk())
    replica.faults.switch_on("only_deltas", feed="netiv_hahesed")

    assert names(replica) == []
    clock.time += timedelta(days=1)
    assert names(replica, "?Date=2026-08-11") == [milk().name]
