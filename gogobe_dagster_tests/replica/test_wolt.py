"""Wolt's portal behaves as described in docs/portals.md, "Wolt"."""

from datetime import timedelta

from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.portal_clients import NOON, full_prices, get

WOLT = "7290058249350"
NAME = "PriceFull7290058249350-001-001-20260811-120001.gz"


def folder(replica: Replica) -> str:
    return f"{replica.url}/wolt/isr-prices/public/v1"


def test_the_index_names_the_days_newest_first(replica: Replica) -> None:
    for days in (1, 0, 2):
        replica.publications("wolt_market").put(*full_prices(WOLT, (1, 2), at=NOON - timedelta(days=days)))

    lines = get(f"{folder(replica)}/index.html").text.splitlines()

    assert [line for line in lines if line.startswith("<li>")] == [
        f'<li><a href="2026-08-{day}.html">2026-08-{day}</a></li>' for day in ("11", "10", "09")
    ]


def test_the_page_of_a_day_links_to_its_files(replica: Replica) -> None:
    [file] = full_prices(WOLT, (1,))
    replica.publications("wolt_market").put(file, *full_prices(WOLT, (2,), at=NOON - timedelta(days=1)))

    page = get(f"{folder(replica)}/2026-08-11.html").text

    assert f'<li><a href="download/2026-08-11/{NAME}">{NAME}</a></li>' in page
    assert page.count("<li>") == 1
    assert get(f"{folder(replica)}/download/2026-08-11/{NAME}").content == file.read()


def test_a_missing_day_is_400(replica: Replica) -> None:
    replica.publications("wolt_market").put(*full_prices(WOLT, (1,)))

    assert [get(f"{folder(replica)}/{day}.html").status_code for day in ("2026-08-10", "never")] == [400, 400]


def test_without_files_there_is_an_index_without_days(replica: Replica) -> None:
    assert "<ul>\n</ul>" in get(f"{folder(replica)}/index.html").text


def test_faults_turn_the_index_around_and_lose_a_day(replica: Replica) -> None:
    for days in (0, 1):
        replica.publications("wolt_market").put(*full_prices(WOLT, (1,), at=NOON - timedelta(days=days)))
    replica.faults.switch_on("oldest_first", times=1)
    replica.faults.switch_on("missing_day", times=1)

    index = get(f"{folder(replica)}/index.html").text

    assert index.index("2026-08-10") < index.index("2026-08-11")
    assert [get(f"{folder(replica)}/2026-08-11.html").status_code for _ in range(2)] == [400, 200]
