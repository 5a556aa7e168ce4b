"""The HTTP service over real sockets: right answers, and a coded answer for everything else."""

import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import requests
import sqlalchemy as sa

from gogobe_dagster.errors import Code, SettingsError
from gogobe_dagster.postgres.roles import READER
from gogobe_dagster.questions.answer_code import AnswerCode, QuestionError
from gogobe_dagster.questions.reader import Reader
from gogobe_dagster.service import guard
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.schema.migrate import connect
from gogobe_dagster_tests.consumers.conftest import Filled, as_role, running
from gogobe_dagster_tests.consumers.example_market import (
    CHANGED_AT,
    CLUB_OFFER,
    JERUSALEM,
    ONLINE,
    OPEN_OFFER,
    OTHER_CHAIN,
    TEL_AVIV,
)
from gogobe_dagster_tests.warehouse.making import CHAIN, TODAY
from gogobe_dagster_tests.warehouse.warehouse_harness import BREAD, EGGS, MILK, TOMATO

UNKNOWN = "7290000000008"


def get(service: str, path: str, **query: Any) -> Any:
    response = requests.get(f"{service}/v1/{path}", params=query, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()


def refusal(response: requests.Response) -> tuple[int, str]:
    """Return status and code of an error, which has the form of RFC 9457."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert {code.value: code.status for code in AnswerCode}[body["code"]] == response.status_code
    return response.status_code, body["code"]


# ---------------------------------------------------------------- answers


def test_search_finds_a_product_by_its_name_and_by_its_gtin(service: str) -> None:
    for text in ("תנובה חלב", MILK):
        [found] = get(service, "search", q=text)["rows"]
        assert (found["gtin"], found["name"], found["chains"]) == (MILK, "חלב תנובה 3%", 2)


def test_a_product_says_where_it_is_cheapest_in_shops_and_online(service: str) -> None:
    milk = get(service, f"products/{MILK}")

    assert milk["names"] == {"רמי לוי": "חלב תנובה 3%", "שופרסל": "חלב תנובה 3%"}
    cheapest, online = milk["cheapest"], milk["cheapest_online"]
    assert (cheapest["lowest_price"], cheapest["store_id"], cheapest["stores"]) == ("6.9000", TEL_AVIV, 3)
    assert (online["lowest_price"], online["store_id"]) == ("8.4000", ONLINE)


def test_a_code_of_one_chain_is_found_with_its_chain(service: str) -> None:
    [row] = get(service, f"products/{CHAIN}:{TOMATO}/prices")["rows"]

    assert (row["price"], row["gtin"], row["code"]) == ("5.9000", None, TOMATO)


def test_prices_are_the_cheapest_first_and_say_when_they_were_confirmed(service: str) -> None:
    rows = get(service, f"products/{MILK}/prices")["rows"]

    assert [(row["store_id"], Decimal(row["price"])) for row in rows] == [
        (TEL_AVIV, Decimal("6.90")),
        (7, Decimal("7.30")),
        (JERUSALEM, Decimal("7.60")),
        (ONLINE, Decimal("8.40")),
    ]
    assert rows[2]["confirmed_at"] == CHANGED_AT.astimezone(tz=None).isoformat() or rows[2]["confirmed_at"]
    assert [row["comparable_price"] for row in rows[:1]] == ["6.9000"]


@pytest.mark.parametrize(
    ("query", "stores"),
    [
        ({"locality": "ירושלים"}, [JERUSALEM]),
        ({"locality": "tel aviv"}, [TEL_AVIV]),
        ({"locality": "3000"}, [JERUSALEM]),
        ({"chain_id": OTHER_CHAIN}, [7]),
        ({"is_online": "true"}, [ONLINE]),
        ({"is_online": "false", "chain_id": CHAIN}, [TEL_AVIV, JERUSALEM]),
        ({"district": "ירושלים"}, [JERUSALEM]),
    ],
)
def test_prices_of_chosen_stores(service: str, query: dict[str, str], stores: list[int]) -> None:
    assert [row["store_id"] for row in get(service, f"products/{MILK}/prices", **query)["rows"]] == stores


def test_pages_go_through_all_rows_once(service: str) -> None:
    whole = get(service, f"products/{MILK}/prices")
    found, cursor = [], None
    while True:
        page = get(service, f"products/{MILK}/prices", limit=1, cursor=cursor)
        found += page["rows"]
        cursor = page["next"]
        if cursor is None:
            break

    assert found == whole["rows"]
    assert whole["next"] is None


def test_the_history_has_the_periods_of_a_store(service: str) -> None:
    [now] = get(service, f"products/{MILK}/prices", locality="ירושלים")["rows"]
    rows = get(service, f"products/{MILK}/history", store_key=now["store_key"])["rows"]

    assert [row["price"] for row in rows] == ["7.1000", "7.6000"]
    assert rows[0]["valid_to"] == rows[1]["valid_from"]
    assert rows[1]["valid_to"] is None
    later = get(service, f"products/{MILK}/history", store_key=now["store_key"], since=CHANGED_AT.isoformat())
    assert later["rows"] == rows[1:]


def test_an_offer_says_its_price_and_its_conditions(service: str) -> None:
    rows = {row["promotion_id"]: row for row in get(service, f"products/{MILK}/promotions")["rows"]}

    assert rows[OPEN_OFFER]["effective_unit_price"] == "6.0000"
    assert rows[OPEN_OFFER]["conditions"] == ["from 2 pieces on"]
    assert rows[CLUB_OFFER]["conditions"] == ["only for members of the chain's club"]
    assert get(service, f"products/{MILK}/promotions", locality="חולון")["rows"] == []


def test_an_offer_is_beside_what_the_product_usually_costs(service: str) -> None:
    rows = {row["promotion_id"]: row for row in get(service, f"products/{MILK}/discounts")["rows"]}
    first = get(service, f"products/{MILK}/discounts", limit=1)
    second = get(service, f"products/{MILK}/discounts", limit=1, cursor=first["next"])

    offer = rows[OPEN_OFFER]
    assert (offer["regular_price"], offer["lowest_30_days"], offer["is_below_30_days"]) == (
        *("7.6000", "7.1000"),
        True,
    )
    assert first["rows"] + second["rows"] == list(rows.values())
    assert get(service, f"products/{MILK}/discounts", locality="חולון")["rows"] == []


def test_what_a_product_usually_costs_in_stores(service: str) -> None:
    [here, there] = get(service, f"products/{MILK}/prices", chain_id=CHAIN, is_online="false")["rows"]
    keys = [there["store_key"], here["store_key"], here["store_key"]]
    rows = {row["store_key"]: row for row in get(service, f"products/{MILK}/usual", store_key=keys)["rows"]}

    assert rows.keys() == set(keys)
    assert rows[there["store_key"]]["lowest_90_days"] == "7.1000"
    assert rows[here["store_key"]]["median_30_days"] == "6.9000"


def test_what_chains_changed_what_they_cost_and_what_only_one_sells(service: str) -> None:
    stores = {row["chain_id"]: row["stores"] for row in get(service, "chains")["rows"]}
    assert (stores[CHAIN], stores[OTHER_CHAIN]) == (3, 1)

    [change] = get(service, f"chains/{OTHER_CHAIN}/changes", day=TODAY.isoformat())["rows"]
    assert (change["gtin"], change["old_median"], change["new_median"]) == (EGGS, "14.0000", "12.5000")
    assert change["percent"] == "-10.7"  # 12.50 / 14.00

    [sold] = get(service, f"chains/{CHAIN}/only", other_chain_id=OTHER_CHAIN)["rows"]
    assert (sold["gtin"], sold["lowest_price"]) == (BREAD, "6.5000")

    index = get(service, "index", period="month")["rows"]
    assert {(row["chain_id"], row["starts_on"]) for row in index} == {
        (CHAIN, "2026-11-01"),
        (OTHER_CHAIN, "2026-11-01"),
    }
    pages = [get(service, "index", period="month", limit=1)]
    pages.append(get(service, "index", period="month", limit=1, cursor=pages[0]["next"]))
    assert [row for page in pages for row in page["rows"]] == index


def test_products_are_compared_by_chain_without_online_stores(service: str) -> None:
    rows = get(service, "compare", product=[MILK, EGGS])["rows"]

    assert {(row["gtin"], row["chain_id"]): (row["lowest_price"], row["stores"]) for row in rows} == {
        (MILK, CHAIN): ("6.9000", 2),
        (MILK, OTHER_CHAIN): ("7.3000", 1),
        (EGGS, CHAIN): ("13.9000", 1),
        (EGGS, OTHER_CHAIN): ("12.5000", 1),
    }


def test_a_basket_costs_what_its_offers_say(service: str) -> None:
    asked = {"items": [{"gtin": MILK, "quantity": 2}, {"gtin": BREAD}], "locality": "ירושלים"}
    response = requests.post(f"{service}/v1/basket", json=asked, timeout=60)

    [row] = response.json()["rows"]
    assert (row["store_id"], row["total"], row["regular_total"], row["missing"]) == (1, "18.50", "21.70", 0)


def test_stores_near_a_point_are_those_of_localities_around_it(service: str) -> None:
    rows = get(service, "stores/near", latitude="32.02", longitude="34.78", radius_km=15)["rows"]

    assert [row["locality_name"] for row in rows] == ["חולון", "תל אביב-יפו"]
    assert Decimal(rows[0]["distance_km"]) < Decimal(rows[1]["distance_km"])
    assert len(get(service, "stores")["rows"]) == 4


def test_stores_and_feeds_say_how_fresh_they_are(service: str) -> None:
    rows = {row["store_id"]: row for row in get(service, "coverage", chain_id=CHAIN)["rows"]}
    assert (rows[JERUSALEM]["listing_status"], rows[JERUSALEM]["prices"]) == ("listed", 4)
    assert get(service, f"stores/{rows[JERUSALEM]['store_key']}") == rows[JERUSALEM]

    feeds = {row["feed"]: row for row in get(service, "freshness")["rows"]}
    assert (feeds["rami_levy"]["loaded"], feeds["shufersal"]["loaded"]) == (6, 3)
    assert get(service, "health")["status"] == "ok"


def test_a_price_leads_to_the_file_that_published_it(service: str) -> None:
    [price] = get(service, f"products/{MILK}/prices", chain_id=OTHER_CHAIN)["rows"]
    file = get(service, f"files/{price['file_id']}")

    assert (file["feed"], file["kind"], file["state"]) == ("shufersal", "full_prices", "loaded")
    assert file in get(service, "files", feed="shufersal", day=TODAY.isoformat())["rows"]


def test_codes_and_localities_are_complete(service: str) -> None:
    assert {row["code"] for row in get(service, "codes")["rows"]} == {code.value for code in Code}
    assert "ירושלים" in {row["name"] for row in get(service, "localities")["rows"]}


# ---------------------------------------------------------------- caching


def test_an_answer_that_the_client_has_is_not_sent_again(service: str) -> None:
    address = f"{service}/v1/products/{MILK}/history?store_key=1"
    first = requests.get(address, timeout=60)
    for _ in range(2):  # the minute may have changed in between
        again = requests.get(address, headers={"If-None-Match": first.headers["etag"]}, timeout=60)
        if again.status_code == 304:
            break
        first = again

    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "public, max-age=60"
    other = requests.get(f"{address}&limit=3", headers={"If-None-Match": first.headers["etag"]}, timeout=60)
    assert other.status_code == 200


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (f"products/{UNKNOWN}", (404, "unknown_product")),
        ("products/1:2/prices", (404, "unknown_product")),
        ("products/milk", (422, "invalid_request")),
        ("products/7290000000015'--", (422, "invalid_request")),
        ("products/7290000000015:%00", (422, "invalid_request")),
        ("stores/999", (404, "unknown_store")),
        ("stores/99999999999999999999", (422, "invalid_request")),
        ("files/999999", (404, "unknown_file")),
        (f"products/{MILK}/prices?limit=0", (422, "invalid_request")),
        (f"products/{MILK}/prices?limit=1000000", (422, "invalid_request")),
        (f"products/{MILK}/prices?cursor=AAAA", (422, "invalid_request")),
        (f"products/{MILK}/prices?cursor=WyJ4IiwgInkiXQ", (422, "invalid_request")),
        (
            f"products/{MILK}/prices?cursor=WyJcdWQ4MDAiLCIxIl0",
            (422, "invalid_request"),
        ),  # half of a surrogate pair
        (f"products/{MILK}/prices?locality=אטלנטיס", (422, "invalid_request")),
        (f"products/{MILK}/history?store_key=1&since=yesterday", (422, "invalid_request")),
        (f"products/{MILK}/history?store_key=1&until=-90877763", (422, "invalid_request")),
        (f"products/{MILK}/statistics?since=20261123", (422, "invalid_request")),
        (f"products/{MILK}/statistics?until=0", (422, "invalid_request")),
        (f"products/{MILK}/history", (422, "invalid_request")),
        ("compare?" + "&".join([f"product={MILK}"] * 21), (422, "invalid_request")),
        ("search?q=%00", (422, "invalid_request")),
        ("search", (422, "invalid_request")),
        (f"chains/1/changes?day={TODAY}", (404, "unknown_chain")),
        (f"chains/{CHAIN}/only?other_chain_id=1", (404, "unknown_chain")),
        (f"chains/{CHAIN}/changes?day=2026-02-30", (422, "invalid_request")),
        ("index?period=year", (422, "invalid_request")),
        ("nowhere", (404, "unknown_path")),
        ("search?q=" + "a" * 5000, (413, "request_too_large")),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_a_code(
    service: str, path: str, answer: tuple[int, str]
) -> None:
    assert refusal(requests.get(f"{service}/v1/{path}", timeout=60)) == answer


@pytest.mark.parametrize(
    "text", ["'; drop table store; --", "%' or '1'='1", "\\", "$1", ":text", "%s", "{0}"]
)
def test_nothing_that_is_asked_becomes_sql(service: str, text: str) -> None:
    assert get(service, "search", q=text)["rows"] == []
    assert get(service, f"products/{MILK}/prices", district=text)["rows"] == []


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"items": []}, (422, "invalid_request")),
        ({"items": [{"gtin": MILK, "quantity": -1}]}, (422, "invalid_request")),
        ({"items": [{"gtin": MILK, "quantity": 1e300}]}, (422, "invalid_request")),
        ({"items": [{"gtin": MILK}] * 201}, (422, "invalid_request")),
        ({"items": [{"gtin": MILK}] * 10_000}, (413, "request_too_large")),
        ({"items": [{"gtin": MILK}], "latitude": 31}, (422, "invalid_request")),
        ({"items": [{"gtin": MILK}], "locality": "\ud800"}, (422, "invalid_request")),
        ({"items": [{"gtin": MILK}], "sql": "select 1"}, (422, "invalid_request")),
        ([], (422, "invalid_request")),
    ],
)
def test_a_basket_that_is_none_is_refused_with_a_code(
    service: str, body: Any, answer: tuple[int, str]
) -> None:
    assert refusal(requests.post(f"{service}/v1/basket", json=body, timeout=60)) == answer


def test_a_body_without_a_length_is_limited_too(service: str) -> None:
    def endless() -> Any:
        for _ in range(100):
            yield b"x" * 10_000

    response = requests.post(f"{service}/v1/basket", data=endless(), timeout=60)
    assert refusal(response) == (413, "request_too_large")


def test_a_wrong_method_is_refused_with_the_right_one(service: str) -> None:
    response = requests.delete(f"{service}/v1/search", timeout=60)

    assert refusal(response) == (405, "wrong_method")
    assert response.headers["allow"] == "GET"


# ---------------------------------------------------------------- time


def test_a_question_that_takes_too_long_is_ended(reader: Reader) -> None:
    impatient = Reader(str(reader.url), statement_seconds=0.05)
    try:
        with pytest.raises(QuestionError, match="took too long") as raised:
            impatient.ask("select pg_sleep(60)")
    finally:
        impatient.close()
    assert raised.value.code is AnswerCode.TIMED_OUT


def test_a_database_that_answers_late_is_said_so_also_while_caching(filled: Filled) -> None:
    impatient = Reader(as_role(filled.url, READER), statement_seconds=0.2)
    owner = connect(filled.url)
    try:
        with running(impatient, Settings()) as url, owner.begin() as connection:
            connection.execute(sa.text("lock table file_event in access exclusive mode"))
            answer = requests.get(f"{url}/v1/search", {"q": "חלב"}, timeout=60)
    finally:
        impatient.close()
        owner.dispose()
    assert refusal(answer) == (503, "timed_out")
    assert answer.headers["Retry-After"] == "1"


def test_slow_clients_are_left_and_others_are_answered(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One says nothing, one sends half of a head, one half of a body, one half of a second head."""
    monkeypatch.setattr(guard, "READ_SECONDS", 0.5)
    with running(reader, Settings()) as url:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        slow = [socket.create_connection(address, 60) for _ in range(4)]
        silent, half_head, half_body, half_second = slow
        half_head.sendall(b"GET /v1/search?q=milk HTTP/1.1\r\nHost: x\r\n")
        half_body.sendall(b"POST /v1/basket HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
        half_second.sendall(b"GET /page.css HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = http.client.HTTPResponse(half_second)
        answer.begin()
        answer.read()
        half_second.sendall(b"GET /page.css HTTP/1.1\r\nHost: x\r\n")
        assert get(url, "health")["status"] == "ok"
        assert half_second.recv(1) == b""
        assert silent.recv(1) == b""
        assert half_head.recv(1) == b""
        assert b"408" in half_body.recv(20)
        for connection in slow:
            connection.close()


def test_a_head_without_an_end_is_refused(service: str) -> None:
    address = ("127.0.0.1", int(service.rpartition(":")[2]))
    answer = b""
    with socket.create_connection(address, 60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        try:
            for _ in range(100):
                connection.sendall(b"x" * 10_000)
            answer = connection.recv(12)
        except ConnectionError:  # it was closed before everything was sent
            answer = b"HTTP/1.1 400"
    assert answer == b"HTTP/1.1 400"
    assert get(service, "health")["status"] == "ok"


def test_more_connections_than_allowed_are_closed(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_CONNECTIONS", 3)
    with running(reader, Settings()) as url, ExitStack() as opened:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        several = [opened.enter_context(socket.create_connection(address, 60)) for _ in range(3)]
        with socket.create_connection(address, 60) as refused, suppress(ConnectionResetError):
            assert refused.recv(1) == b""
        several[0].sendall(b"GET /page.css HTTP/1.1\r\nHost: x\r\n\r\n")
        assert several[0].recv(12) == b"HTTP/1.1 200"


def test_a_connection_that_was_lost_is_made_again(filled: Filled) -> None:
    reader = Reader(as_role(filled.url, READER))
    try:
        with ThreadPoolExecutor(2) as pool:  # two connections
            pids = list(
                pool.map(lambda _: reader.ask("select pg_backend_pid() as pid, pg_sleep(0.2)"), range(2))
            )
        with psycopg.connect(as_role(filled.url, READER), autocommit=True) as other:
            for [row] in pids:
                other.execute("select pg_terminate_backend(%s, 60000)", [row["pid"]])
        assert [reader.ask("select 1 as answer") for _ in range(2)] == [[{"answer": 1}]] * 2
    finally:
        reader.close()


# ---------------------------------------------------------------- rights


def test_a_role_that_may_write_is_refused(filled: Filled) -> None:
    with pytest.raises(SettingsError, match="may change tables"):
        Reader(filled.url)


def test_the_reader_of_the_service_cannot_change_anything(reader: Reader) -> None:
    url = reader.url.set(drivername="postgresql").render_as_string()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from store")


def test_with_keys_only_their_owners_are_answered(reader: Reader) -> None:
    keys = "a-key-of-16-characters, another-key-of-mine"
    with running(reader, Settings(api_keys=keys)) as url:
        address = f"{url}/v1/codes"
        assert refusal(requests.get(address, timeout=60)) == (401, "key_needed")
        for key in ("wrong", "", "a-key-of-16-characters, another-key-of-mine", "מפתח"):
            headers = {"Authorization": f"Bearer {key}".encode()}
            assert refusal(requests.get(address, headers=headers, timeout=60)) == (401, "key_needed")
        known = requests.get(address, headers={"Authorization": "Bearer another-key-of-mine"}, timeout=60)
        assert (known.status_code, known.headers["cache-control"]) == (200, "private, max-age=60")
        assert requests.get(f"{url}/openapi.json", timeout=60).status_code == 200


def test_the_description_has_an_example_or_a_meaning_for_every_field(service: str) -> None:
    described = requests.get(f"{service}/openapi.json", timeout=60).json()

    fields = [
        (name, field)
        for name, schema in described["components"]["schemas"].items()
        for field, about in schema.get("properties", {}).items()
        if not about.get("description") and name not in {"HTTPValidationError", "ValidationError"}
    ]
    assert fields == []
    assert json.dumps(described).count('"examples"') >= 4
