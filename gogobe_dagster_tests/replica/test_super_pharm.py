"""Super-Pharm's portal behaves as described in docs/portals.md, "Super-Pharm"."""

import re
from datetime import timedelta

import pytest
import requests
from lxml import html

from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.conftest import MovableClock
from gogobe_dagster_tests.replica.portal_clients import full_prices, get

CHAIN = "7290172900007"


def page(replica: Replica, query: str = "") -> str:
    return get(f"{replica.url}/super_pharm/{query}").text


def names(replica: Replica, query: str = "") -> list[str]:
    return re.findall(r"<td>(PriceFull[^<]+)</td>", page(replica, query))


def test_a_row_has_the_cells_of_the_grid(replica: Replica) -> None:
    (milk,) = full_prices(CHAIN, (224,))
    replica.publications("super_pharm").put(milk)

    grid = html.document_fromstring(page(replica)).find(".//div[@class='mvc-grid']")

    assert grid is not None
    assert grid.get("data-total-rows") == "1"
    cells = grid.findall("./table/tbody/tr/td")
    assert [cell.text for cell in cells[:5]] == [
        "1", milk.name, "11/08/2026 15:44:00", "PriceFull", "224 - דיל רחובות",
    ]  # fmt: skip
    assert [anchor.get("href") for anchor in cells[5]] == [
        f"/Download/{milk.name}?bucketName=sp_transparency_output_prod_v2"
    ]


def test_pages_hold_twenty_newest_first_and_beyond_the_last_comes_the_last(replica: Replica) -> None:
    files = full_prices(CHAIN, range(1, 46))
    replica.publications("super_pharm").put(*files)

    pages = [names(replica, f"?page={number}") for number in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [20, 20, 5, 5]
    assert pages[2] == pages[3]
    assert pages[0] + pages[1] + pages[2] == [file.name for file in reversed(files)]
    assert re.findall(r'data-page="(\d+)"', page(replica)) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("?Category-equals=PriceFull", 2),
        ("?Category-equals=Promo", 0),
        ("?Date-equals=11/08/2026", 2),
        ("?Date-equals=10/08/2026", 0),
        ("?BranchName-equals=2 - דיל רחובות", 1),
        ("?Name-contains=nothing", 2),
    ],
)
def test_kind_day_and_branch_filter_and_other_parameters_do_not(
    replica: Replica, query: str, rows: int
) -> None:
    replica.publications("super_pharm").put(*full_prices(CHAIN, (1, 2)))

    assert len(names(replica, query)) == rows


def test_a_file_needs_the_cookie_of_the_grid_while_it_lives(replica: Replica, clock: MovableClock) -> None:
    (milk,) = full_prices(CHAIN, (1,))
    replica.publications("super_pharm").put(milk)
    link = f"{replica.url}/super_pharm/Download/{milk.name}"

    with requests.Session() as visitor:
        visitor.get(f"{replica.url}/super_pharm/")
        assert visitor.get(link).content == milk.read()
        clock.time += timedelta(minutes=31)
        assert visitor.get(link).text == "link expired"
    assert get(link).text == "link expired"


def test_two_steps_tell_the_place_first(replica: Replica) -> None:
    (milk,) = full_prices(CHAIN, (1,))
    replica.publications("super_pharm").put(milk)
    replica.faults.switch_on("two_step_download", feed="super_pharm")

    with requests.Session() as visitor:
        visitor.get(f"{replica.url}/super_pharm/")
        response = visitor.get(f"{replica.url}/super_pharm/Download/{milk.name}").json()
        assert visitor.get(f"{replica.url}/super_pharm{response['href']}").content == milk.read()


@pytest.mark.parametrize(("fault", "status"), [("bot_wall", 247), ("polite_challenge", 200)])
def test_the_wall_has_several_faces(replica: Replica, fault: str, status: int) -> None:
    replica.faults.switch_on(fault, feed="super_pharm")

    answer = get(f"{replica.url}/super_pharm/")

    assert answer.status_code == status
    assert "mvc-grid" not in answer.text
