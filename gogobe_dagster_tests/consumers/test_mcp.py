"""The tools for language models, asked by the client of the protocol's own SDK."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
from mcp import Client, StdioServerParameters

from gogobe_dagster.mcp_server.server import make_http_server, make_mcp
from gogobe_dagster.questions.reader import Reader
from gogobe_dagster_tests.consumers.conftest import served
from gogobe_dagster_tests.consumers.example_market import CLUB_OFFER, OPEN_OFFER, OTHER_CHAIN
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.warehouse.making import CHAIN, NOON, TODAY
from gogobe_dagster_tests.warehouse.warehouse_harness import BREAD, EGGS, MILK

Result = TypeVar("Result")
TOOLS = [
    *("search_products", "product", "prices", "price_history", "promotions", "compare_products", "basket"),
    *("stores_near", "freshness", "discounts", "usual_prices", "price_statistics", "list_chains"),
    *("price_changes", "price_index", "only_products"),
]


def asking(server: Any, ask: Callable[[Client], Awaitable[Result]]) -> Result:
    """Ask a server something with a client of the SDK."""

    async def asked() -> Result:
        async with Client(server) as client:
            return await ask(client)

    return asyncio.run(asked())


def call(reader: Reader, tool: str, **arguments: Any) -> Any:
    server = make_mcp(reader, now=lambda: NOON)
    result = asking(server, lambda client: client.call_tool(tool, arguments))
    assert not result.is_error, result.content
    return result.structured_content


def failure(reader: Reader, tool: str, **arguments: Any) -> str:
    result = asking(make_mcp(reader), lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    return str(result.content)


def test_every_tool_says_what_it_does_and_that_it_only_reads(reader: Reader) -> None:
    tools = asking(make_mcp(reader), lambda client: client.list_tools()).tools

    assert [tool.name for tool in tools] == TOOLS
    for tool in tools:
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint


def test_a_product_is_found_by_words(reader: Reader) -> None:
    [found] = call(reader, "search_products", words="חלב")["products"]

    assert (found["gtin"], found["name"]) == (MILK, "חלב תנובה 3%")


def test_a_price_says_when_it_was_confirmed(reader: Reader) -> None:
    answer = call(reader, "prices", product=MILK, locality="Jerusalem")
    [price] = answer["prices"]

    assert price["price"] == "7.6"
    assert "without promotions, last confirmed by the chain on 2026-11-23 09:00 (Israel)." in price["holds"]
    assert call(reader, "product", product=MILK)["cheapest"]["lowest_price"] == "6.9"


def test_an_old_price_is_told_as_old(reader: Reader) -> None:
    server = make_mcp(reader, now=lambda: NOON + timedelta(days=9))
    result = asking(server, lambda client: client.call_tool("prices", {"product": MILK, "limit": 1}))

    assert "9 days ago, the shelf may differ" in json.dumps(result.structured_content)


def test_an_offer_says_under_which_conditions_its_price_holds(reader: Reader) -> None:
    offers = {row["promotion_id"]: row for row in call(reader, "promotions", product=MILK)["offers"]}

    assert offers[OPEN_OFFER]["holds"] == "This price of one unit holds from 2 pieces on."
    assert "only for members of the chain's club" in offers[CLUB_OFFER]["holds"]


def test_baskets_comparisons_history_and_stores_are_those_of_the_service(reader: Reader) -> None:
    basket = call(reader, "basket", items=[{"gtin": MILK, "quantity": 2}, {"gtin": BREAD}], locality="3000")
    assert [row["total"] for row in basket["stores"]] == ["18.5"]
    assert "without those for club members" in basket["holds"]
    rows = call(reader, "compare_products", gtins=[EGGS])["chains"]
    assert [row["lowest_price"] for row in rows] == ["12.5", "13.9"]
    store_key = call(reader, "prices", product=MILK, locality="3000")["prices"][0]["store_key"]
    periods = call(reader, "price_history", product=MILK, store_key=store_key)["periods"]
    assert [row["price"] for row in periods] == ["7.1", "7.6"]
    assert call(reader, "stores_near", latitude="32.02", longitude="34.78")["stores"]
    assert {row["feed"] for row in call(reader, "freshness")["feeds"]} == {"rami_levy", "shufersal"}


def test_what_chains_changed_and_what_is_usual_is_that_of_the_service(reader: Reader) -> None:
    names = {row["chain_id"] for row in call(reader, "list_chains")["chains"]}
    assert {CHAIN, OTHER_CHAIN} <= names
    [change] = call(reader, "price_changes", chain_id=OTHER_CHAIN, day=str(TODAY))["products"]
    assert (change["gtin"], change["old_median"], change["percent"]) == (EGGS, "14", "-10.7")
    [sold] = call(reader, "only_products", chain_id=CHAIN, other_chain_id=OTHER_CHAIN)["products"]
    assert sold["gtin"] == BREAD
    assert len(call(reader, "price_index", period="month")["periods"]) == 2
    days = call(reader, "price_statistics", product=EGGS, chain_id=OTHER_CHAIN)["days"]
    assert [row["median_price"] for row in days] == ["14", "12.5"]
    offers = {row["promotion_id"]: row for row in call(reader, "discounts", product=MILK)["offers"]}
    assert offers[OPEN_OFFER]["is_below_30_days"]
    [usual] = call(reader, "usual_prices", product=MILK, store_keys=[offers[OPEN_OFFER]["store_key"]])[
        "stores"
    ]
    assert usual["lowest_30_days"] == "7.1"


@pytest.mark.parametrize(
    ("tool", "arguments", "reason"),
    [
        ("product", {"product": "7290000000008"}, "unknown_product"),
        ("product", {"product": "'; drop table store"}, "pattern"),
        ("prices", {"product": MILK, "locality": "אטלנטיס"}, "invalid_request"),
        ("prices", {"product": MILK, "limit": 10_000}, "less than or equal to 50"),
        ("basket", {"items": [{"gtin": MILK}] * 201}, "at most 200"),
        ("compare_products", {"gtins": []}, "at least 1"),
    ],
)
def test_a_question_that_makes_no_sense_is_an_error_of_the_tool(
    reader: Reader, tool: str, arguments: dict[str, Any], reason: str
) -> None:
    assert reason in failure(reader, tool, **arguments)


def test_the_tools_answer_over_http_and_ask_for_keys(reader: Reader) -> None:
    port = free_port()
    with served(make_http_server(reader, host="127.0.0.1", port=port, keys=())) as url:
        tools = asking(f"{url}/mcp", lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == TOOLS
    with served(make_http_server(reader, host="127.0.0.1", port=free_port(), keys=("a-key",))) as url:
        assert requests.post(f"{url}/mcp", json={}, timeout=60).status_code == 401


@pytest.mark.slow
def test_the_command_answers_over_standard_input_and_output(reader: Reader, tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("gogobe"))
    url = reader.url.set(drivername="postgresql").render_as_string()
    environment = {**os.environ, "GOGOBE_HOME": str(tmp_path), "GOGOBE_READER_DATABASE_URL": url}
    command = StdioServerParameters(command=program, args=["mcp"], env=environment)

    result = asking(command, lambda client: client.call_tool("search_products", {"words": "חלב"}))

    assert result.structured_content is not None
    assert result.structured_content["products"][0]["gtin"] == MILK
