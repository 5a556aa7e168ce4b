"""Mishnat Yosef's list behaves as described in docs/portals.md, "Mishnat Yosef"."""

from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.portal_clients import full_prices, get

CHAIN = "5144744100002"


def test_a_row_has_the_keys_of_the_list_and_a_link_that_works(replica: Replica) -> None:
    [milk] = full_prices(CHAIN, (1,))
    replica.publications("mishnat_yosef_worker").put(milk)

    rows = get(f"{replica.url}/mishnat_yosef/").json()

    assert rows == [
        {
            "name": "PriceFull5144744100002-001-001-20260811-120001.gz",
            "type": "pricefull",
            "date": "2026-08-11",
            "url": f"{replica.url}/mishnat_yosef/files/{milk.name}",
        }
    ]
    assert get(rows[0]["url"]).content == milk.read()


def test_nothing_is_an_empty_list_and_an_error_is_an_object(replica: Replica) -> None:
    replica.faults.switch_on("json_error_200", feed="mishnat_yosef_worker", times=1)

    assert get(f"{replica.url}/mishnat_yosef/").json() == {"error": "internal error"}
    assert get(f"{replica.url}/mishnat_yosef/").json() == []


def test_a_file_that_is_not_there_is_404(replica: Replica) -> None:
    assert get(f"{replica.url}/mishnat_yosef/files/Price.gz").status_code == 404
