"""Laib's portal behaves as described in docs/portals.md, "Laib"."""

from datetime import timedelta
from typing import Any

import pytest
import requests

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.conftest import MovableClock
from gogobe_dagster_tests.replica.portal_clients import NOON, full_prices, get

VICTORY = "7290696200003"
STORES = Publication(
    name="Stores7290696200003-000-20260811050010-050010.gz",
    content=b"x" * 206,
    published_at=NOON,
    kind=FileKind.STORES,
)


def ask(replica: Replica, what: str = "getfiles", **parameters: str) -> Any:
    answer = requests.get(f"{replica.url}/laib/webapi/api/{what}", params=parameters, timeout=10)
    return answer.json()


def test_a_row_has_the_keys_and_words_of_the_portal(replica: Replica) -> None:
    [full] = full_prices(VICTORY, (1,))
    replica.publications("victory").put(full, STORES)

    assert ask(replica, edi=VICTORY) == [
        {
            "fileName": "PriceFull7290696200003-001-001-20260811-120001.gz",
            "fileType": "pricefull",
            "fileSize": f"{full.size} B",
            "fileDate": "2026-08-11 12:01:00",
            "branchNumber": 1,
            "lastModified": "",
        },
        {
            "fileName": "Stores7290696200003-000-20260811050010-050010.gz",
            "fileType": "stores",
            "fileSize": "206 B",
            "fileDate": "2026-08-11 12:00:00",
            "branchNumber": 0,
            "lastModified": "",
        },
    ]


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (1023, "1023 B"), (576_348, "562.84 KB"), (5_767_168, "5.50 MB")]
)
def test_sizes_are_in_bytes_kilobytes_or_megabytes(replica: Replica, size: int, shown: str) -> None:
    replica.publications("victory").put(
        Publication(name=STORES.name, content=bytes(size), published_at=NOON, kind=FileKind.STORES)
    )

    assert [row["fileSize"] for row in ask(replica, edi=VICTORY)] == [shown]


def test_only_today_is_listed_and_midnight_empties_the_list_but_not_the_portal(
    replica: Replica, clock: MovableClock
) -> None:
    replica.publications("victory").put(STORES)
    assert len(ask(replica, edi=VICTORY)) == 1

    clock.time += timedelta(hours=12)

    assert ask(replica, edi=VICTORY) == []
    assert get(f"{replica.url}/laib/webapi/{VICTORY}/{STORES.name}").content == STORES.read()


def test_every_chain_has_its_own_list_and_the_second_numbers_have_none(replica: Replica) -> None:
    replica.publications("victory").put(STORES)

    assert [len(ask(replica, edi=edi)) for edi in (VICTORY, "7290661400001", "7290058103393", "")] == [
        1, 0, 0, 0,
    ]  # fmt: skip
    assert get(f"{replica.url}/laib/webapi/7290661400001/{STORES.name}").status_code == 404
    assert get(f"{replica.url}/laib/webapi/1/{STORES.name}").status_code == 404


def test_the_same_files_come_back_for_every_branch(replica: Replica) -> None:
    replica.publications("victory").put(*full_prices(VICTORY, (1, 2)))

    by_branch = [ask(replica, edi=VICTORY, branchNumber=branch) for branch in ("1", "2")]

    assert by_branch[0] == by_branch[1] == ask(replica, edi=VICTORY)


def test_branches_have_a_number_and_a_name(replica: Replica) -> None:
    replica.publications("victory").put(*full_prices(VICTORY, (2, 1)), STORES)

    assert ask(replica, "getbranches", edi=VICTORY) == [
        {"number": 1, "name": "1 - דיל רחובות"},
        {"number": 2, "name": "2 - דיל רחובות"},
    ]


def test_kinds_were_capitalised_before_2026_and_rows_may_come_twice(replica: Replica) -> None:
    replica.publications("victory").put(*full_prices(VICTORY, (1,)), STORES)
    replica.faults.switch_on("file_type_case", times=1)
    replica.faults.switch_on("listed_twice", times=1)

    assert [row["fileType"] for row in ask(replica, edi=VICTORY)] == ["PriceFull", "Stores"] * 2
    assert [row["fileType"] for row in ask(replica, edi=VICTORY)] == ["pricefull", "stores"]


def test_people_have_a_page(replica: Replica) -> None:
    assert [get(f"{replica.url}/laib/{name}/index.html").status_code for name in ("mshuk", "nobody")] == [
        200, 404,
    ]  # fmt: skip
