"""Carrefour's portal behaves as described in docs/portals.md, "PublishPrice"."""

import json
import re
from typing import Any

import pytest
import requests

from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.portal_clients import full_prices, get

CHAIN = "7290055700007"
CONSTANT = re.compile(r"^  const (\w+) = (.*);$", re.MULTILINE)


def constants(replica: Replica, query: str = "") -> dict[str, Any]:
    page = get(f"{replica.url}/publish_price/{query}").text
    script = page.split("<script>")[-2]
    return {name: json.loads(value.replace("'", '"')) for name, value in CONSTANT.findall(script)}


def test_the_next_to_last_script_holds_the_folder_the_files_and_the_branches(replica: Replica) -> None:
    (milk,) = full_prices(CHAIN, (75,))
    replica.publications("carrefour").put(milk)

    assert constants(replica) == {
        "path": "20260811",
        "files": [{"name": milk.name, "size": len(milk.read()), "modified": "13:15 11-08-2026"}],
        "branches": [{"number": "0075", "name": "75 - דיל רחובות"}],
    }


@pytest.mark.parametrize("query", ["?date=20260811", "?p=./20260811", "", "?day=20260810"])
def test_a_page_is_one_day_and_an_unknown_parameter_is_ignored(replica: Replica, query: str) -> None:
    replica.publications("carrefour").put(*full_prices(CHAIN, (1, 2)))

    assert constants(replica, query)["path"] == "20260811"
    assert len(constants(replica, query)["files"]) == 2
    assert constants(replica, "?date=20260810") == {"path": "20260810", "files": [], "branches": []}


def test_a_file_lies_in_the_folder_of_its_day_only(replica: Replica) -> None:
    (milk,) = full_prices(CHAIN, (1,))
    replica.publications("carrefour").put(milk)
    url = f"{replica.url}/publish_price"

    assert get(f"{url}/20260811/{milk.name}").content == milk.read()
    assert get(f"{url}/20260810/{milk.name}").status_code == 404
    assert get(f"{url}/20260811/{milk.name.lower()}").status_code == 404


def test_faults_of_the_script_and_of_the_day(replica: Replica) -> None:
    for fault in ("script_renamed", "date_ignored", "day_ignored"):
        replica.faults.switch_on(fault, feed="carrefour", times=1)

    assert "fileList" in requests.get(f"{replica.url}/publish_price/", timeout=10).text
    assert constants(replica, "?date=20260801")["path"] == "20260811"
    assert constants(replica, "?p=./20260801")["path"] == "20260811"
    assert constants(replica, "?date=20260801")["path"] == "20260801"
