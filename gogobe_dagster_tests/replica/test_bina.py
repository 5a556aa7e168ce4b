"""The Bina portals behave as described in docs/portals.md, "Bina"."""

from typing import Any

import requests

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.replica.portal_clients import NOON, full_prices

KING_STORE = "7290058108879"


def ask(replica: Replica, **parameters: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{replica.url}/bina/kingstore/MainIO_Hok.aspx", params=parameters, timeout=10)
    rows: list[dict[str, Any]] = answer.json()
    return rows


def test_a_row_has_the_keys_and_words_of_the_portal(replica: Replica) -> None:
    (milk,) = full_prices(KING_STORE, (1,))
    replica.publications("king_store").put(milk)

    assert ask(replica, WFileType="4", WDate="11/08/2026") == [
        {
            "FileNm": milk.name,
            "Company": "קינג סטור (אלמשהדאוי)",
            "Store": "1 - דיל רחובות",
            "TypeFile": "מחירים מלא",
            "DateFile": "12:01 11/08/2026",
        }
    ]


def test_type_day_and_store_filter_and_nothing_found_is_an_empty_list(replica: Replica) -> None:
    first, second = full_prices(KING_STORE, (1, 2))
    delta = Publication(
        name="Price7290058108879-001-202608102000.GZ",
        content=b"x",
        published_at=NOON.replace(day=10),
        kind=FileKind.PRICES,
        store_id=1,
    )
    replica.publications("king_store").put(first, second, delta)

    assert {row["FileNm"] for row in ask(replica)} == {first.name, second.name, delta.name}
    assert {row["FileNm"] for row in ask(replica, WFileType="0", WStore="0", WDate="")} == {
        first.name, second.name, delta.name,
    }  # fmt: skip
    assert [row["FileNm"] for row in ask(replica, WFileType="2")] == [delta.name]
    assert [row["FileNm"] for row in ask(replica, WDate="10/08/2026")] == [delta.name]
    assert [row["FileNm"] for row in ask(replica, WStore="002")] == [second.name]
    assert ask(replica, WFileType="5") == []


def test_a_list_stops_at_a_thousand_rows_in_no_order_and_a_store_is_whole(replica: Replica) -> None:
    files = full_prices(KING_STORE, range(1, 1201))
    replica.publications("king_store").put(*files)

    names = [row["FileNm"] for row in ask(replica, WFileType="4")]

    assert len(names) == len(set(names)) == 1000
    assert names not in (sorted(names), [file.name for file in files][:1000])
    assert len(ask(replica, WFileType="4", WStore="1150")) == 1


def test_both_ways_to_download(replica: Replica) -> None:
    (milk,) = full_prices(KING_STORE, (1,))
    replica.publications("king_store").put(milk)

    response = requests.get(
        f"{replica.url}/bina/kingstore/Download.aspx?FileNm={milk.name}", timeout=10
    ).json()

    assert response == [{"SPath": f"{replica.url}/bina/kingstore/Download/{milk.name}"}]
    assert requests.get(response[0]["SPath"], timeout=10).content == milk.read()


def test_the_name_counts_in_its_exact_case(replica: Replica) -> None:
    (milk,) = full_prices(KING_STORE, (1,))
    replica.publications("king_store").put(milk)
    url = f"{replica.url}/bina/kingstore/Download/{milk.name}"

    assert requests.get(url, timeout=10).ok
    assert requests.get(url.replace(".gz", ".GZ"), timeout=10).status_code == 404


def test_the_stores_that_have_files_are_listed(replica: Replica) -> None:
    replica.publications("king_store").put(*full_prices(KING_STORE, (3, 1)))

    stores = requests.post(f"{replica.url}/bina/kingstore/Select_Store.aspx", timeout=10).json()

    assert [store["Kod"] for store in stores] == [1, 3]


def test_parameters_come_by_form_too_and_in_any_case(replica: Replica) -> None:
    replica.publications("king_store").put(*full_prices(KING_STORE, (1, 2)))

    answer = requests.post(
        f"{replica.url}/bina/kingstore/MainIO_Hok.aspx", data={"wfiletype": "4", "WSTORE": "2"}, timeout=10
    )

    assert len(answer.json()) == 1


def test_every_account_has_its_own_host(replica: Replica) -> None:
    replica.publications("maayan_2000").put(*full_prices("7290058159628", (1,)))

    assert ask(replica) == []
    assert len(requests.get(f"{replica.url}/bina/maayan2000/MainIO_Hok.aspx", timeout=10).json()) == 1
    assert requests.get(f"{replica.url}/bina/paz/MainIO_Hok.aspx", timeout=10).status_code == 404
