"""Faults of listings and logins do what their names say."""

import gzip

import pytest

from gogobe_dagster.replica.server import Replica
from gogobe_dagster.replica.state import FOREIGN_CHAIN
from gogobe_dagster_tests.replica.portal_clients import (
    CerberusVisitor,
    ShufersalVisitor,
    full_prices,
    get,
    listing,
    name_in,
)

SHUFERSAL = "7290027600007"


@pytest.mark.parametrize(("fault", "rows"), [("empty_listing", 0), ("folder_wiped", 2)])
def test_lists_that_are_empty_or_nearly_so(
    replica: Replica, rami_levy: CerberusVisitor, fault: str, rows: int
) -> None:
    replica.faults.switch_on(fault, feed="rami_levy", times=1)

    assert len(rami_levy.rows()) == rows
    assert len(rami_levy.rows()) == 30


def test_html_listing_is_200_and_no_json(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("html_listing", feed="king_store")

    assert listing(king_store).text.startswith("<!DOCTYPE html>")


def test_empty_kind_hides_only_what_its_pattern_names(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("empty_kind", feed="king_store", names="*-00?-2026*")

    assert len(listing(king_store).json()) == 30 - 9


def test_a_foreign_chain_is_listed_and_can_be_downloaded(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("foreign_chain", feed="king_store")

    strangers = [row["FileNm"] for row in listing(king_store).json() if FOREIGN_CHAIN in row["FileNm"]]

    assert len(strangers) == 1
    assert get(f"{king_store}/Download/{strangers[0]}").ok


def test_cap_1000_has_rows_twice_and_misses_others_but_stores_are_whole(
    replica: Replica, king_store: str
) -> None:
    replica.faults.switch_on("cap_1000", feed="king_store")

    names = {row["FileNm"] for row in listing(king_store).json()}

    assert len(listing(king_store).json()) == 1000
    assert len(names) == 15
    assert len(get(f"{king_store}/MainIO_Hok.aspx?WStore=7").json()) == 1


@pytest.mark.parametrize("fault", ["csrf_token_wrong", "json_error_200"])
def test_cerberus_refuses_the_list_with_200(replica: Replica, rami_levy: CerberusVisitor, fault: str) -> None:
    replica.faults.switch_on(fault, feed="rami_levy", times=1)

    refused = rami_levy.ask()

    assert refused.status_code == 200
    assert refused.json()["aaData"] == []
    assert "error" in refused.json()
    assert len(rami_levy.rows()) == 30


def test_bina_answers_an_error_as_an_object(replica: Replica, king_store: str) -> None:
    replica.faults.switch_on("json_error_200", feed="king_store")

    assert listing(king_store).json() == {"Message": "An error has occurred."}


def test_listing_truncated_gives_the_rest_to_those_who_page_on(
    replica: Replica, rami_levy: CerberusVisitor
) -> None:
    replica.faults.switch_on("listing_truncated", feed="rami_levy")

    first, rest = rami_levy.ask().json(), rami_levy.rows(iDisplayStart=15)

    assert (len(first["aaData"]), first["iTotalDisplayRecords"], len(rest)) == (15, 30, 15)


def test_listing_never_complete_gives_the_rest_to_nobody(
    replica: Replica, rami_levy: CerberusVisitor
) -> None:
    replica.faults.switch_on("listing_never_complete", feed="rami_levy")

    assert rami_levy.ask().json()["iTotalDisplayRecords"] == 30
    assert rami_levy.rows(iDisplayStart=15) == []


def test_a_session_that_expires_before_a_download_is_cured_by_a_login(
    replica: Replica, rami_levy: CerberusVisitor
) -> None:
    name = rami_levy.rows()[0]["fname"]
    replica.faults.switch_on("session_expires", feed="rami_levy")

    lost = rami_levy.download(name)
    rami_levy.log_in("RamiLevi")

    assert lost.url.endswith("/cerberus/login")
    assert gzip.decompress(rami_levy.download(name).content)


def test_wrong_password_refuses_one_account(replica: Replica, cerberus: CerberusVisitor) -> None:
    replica.faults.switch_on("wrong_password", feed="rami_levy")

    assert cerberus.log_in("RamiLevi").url.endswith("/login")
    assert cerberus.log_in("Keshet").url.endswith("/file")


def test_an_expired_sas_is_403_until_the_list_is_read_again(
    replica: Replica, shufersal: ShufersalVisitor
) -> None:
    replica.publications("shufersal").put(*full_prices(SHUFERSAL, (1,)))
    replica.faults.switch_on("expired_sas", times=1)

    assert get(shufersal.links()[0]).status_code == 403
    assert get(shufersal.links()[0]).ok


def test_a_row_inserted_while_paging_moves_one_row_to_the_next_page(
    replica: Replica, shufersal: ShufersalVisitor
) -> None:
    replica.publications("shufersal").put(*full_prices(SHUFERSAL, range(1, 31)))
    replica.faults.switch_on("row_inserted_while_paging")

    first, second, again = ([name_in(link) for link in shufersal.links(page)] for page in (1, 2, 1))

    assert first[-1] == second[0]
    assert again[0] not in first
    assert len({*first, *second, *again}) == 30


def test_a_list_of_one_page_has_all_its_rows_while_rows_are_inserted(
    replica: Replica, shufersal: ShufersalVisitor
) -> None:
    replica.publications("shufersal").put(*full_prices(SHUFERSAL, range(1, 4)))
    replica.faults.switch_on("row_inserted_while_paging")

    assert len(shufersal.links()) == 3
