"""The views for people, and search, on a small market with two stores and a store list."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.warehouse.making import CHAIN, NOON
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    TOMATO,
    Market,
    PriceFile,
    PriceRow,
    StoreList,
)

pytestmark = pytest.mark.slow

OTHER = "7290027600007"
NAMES = {MILK: 'חלב תנובה 3% 1 ל"', BREAD: "לחם אחיד פרוס", EGGS: "ביצים L תריסר", TOMATO: "עגבניות שרי"}


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def price_rows(**prices: str) -> list[PriceRow]:
    codes = {"milk": MILK, "bread": BREAD, "eggs": EGGS, "tomato": TOMATO}
    return [
        PriceRow(codes[name], price, is_barcode=name != "tomato", name=NAMES[codes[name]])
        for name, price in prices.items()
    ]


def stocked(market: Market) -> Market:
    """Two stores of one chain, one of another; the prices of milk and tomatoes change."""
    market.load_lists(market.publish(StoreList(1, {(1, 1): "תלפיות", (1, 7): "נטוש"})))
    market.open(
        PriceFile(6, price_rows(milk="7.00", bread="10", tomato="5"), is_full=True, store=1),
        PriceFile(6, price_rows(milk="6.50", bread="0"), is_full=True, store=2),
        PriceFile(6, price_rows(milk="6.50", eggs="14"), is_full=True, store=3, chain=OTHER),
    )
    market.open(PriceFile(8, price_rows(milk="7.70", tomato="4"), store=1))
    return market


def test_the_cheapest_place_of_a_product_is_named_and_counted(market: Market) -> None:
    stocked(market)

    (milk,) = market.ask(f"""
        select lowest_price, stores_at_lowest, chain_id, store_id, highest_price, stores, chains
        from cheapest_prices where gtin = '{MILK}'
    """)

    assert milk == (Decimal("6.5"), 2, OTHER, 3, Decimal("7.7"), 3, 2)


def test_a_price_of_nothing_is_not_the_cheapest(market: Market) -> None:
    stocked(market)

    query = f"select lowest_price, store_id, stores from cheapest_prices where gtin = '{BREAD}'"

    assert market.ask(query) == [(Decimal(10), 1, 1)]


def test_a_price_is_confirmed_by_the_newest_full_file_and_by_no_other(market: Market) -> None:
    stocked(market)  # store 1: a full at 6, and at 8 a delta with milk and tomatoes
    confirmed = "select code, confirmed_at from current_prices where store_id = 1 order by code"
    eight, nine, ten = (NOON.replace(hour=hour) for hour in (8, 9, 10))
    before = dict(market.ask(confirmed))
    assert (before[BREAD], before[MILK]) == (NOON.replace(hour=6), eight)

    repeated = {MILK: "7.70", TOMATO: "4"}
    market.open(PriceFile(9, repeated), PriceFile(9.5, repeated, is_full=True, is_damaged=True))
    assert dict(market.ask(confirmed)) == before

    market.open(PriceFile(9, repeated, is_full=True))
    assert dict(market.ask(confirmed)) == {MILK: nine, TOMATO: nine}

    market.open(PriceFile(10, {MILK: "5"}))
    assert dict(market.ask(confirmed)) == {MILK: ten, TOMATO: nine}
    cheapest = f"select lowest_price, confirmed_at from cheapest_prices where gtin = '{MILK}'"
    assert market.ask(cheapest) == [(Decimal(5), ten)]


# as chains list them: Rami Levy, Carrefour, Netiv HaHesed, Tiv Taam, Shufersal, and Keshet's of both kinds
STORE_TYPES = {
    (2, "מרלוג אינטרנט"): True,
    (1, "קרפור אונליין"): True,
    (1, "אקספרס מהדרין  ש. המלך און ליין D"): True,
    (2, "ליקוט נתניה"): True,
    (2, "שופרסל ONLINE"): True,
    (3, "באר שבע"): False,
    (None, "סניף התאנה"): False,
    (0, None): False,
}


def test_online_stores_are_known_by_type_or_name(market: Market) -> None:
    columns = "chain_id, sub_chain_id, store_id, store_type, name, first_seen_at, last_seen_at"
    with market.engine.begin() as connection:
        connection.execute(sa.text(f"insert into chain (chain_id) values ('{CHAIN}')"))
        connection.execute(sa.text(f"insert into sub_chain (chain_id, sub_chain_id) values ('{CHAIN}', 1)"))
        rows = [{"id": i, "type": type_, "name": name} for i, (type_, name) in enumerate(STORE_TYPES)]
        values = f"values ('{CHAIN}', 1, :id, :type, :name, now(), now())"
        connection.execute(sa.text(f"insert into store ({columns}) {values}"), rows)
    online = market.ask("select store_type, name, is_online from store")
    assert {(type_, name): is_online for type_, name, is_online in online} == STORE_TYPES


def test_the_cheapest_price_is_one_of_a_shop_and_online_stores_have_their_own(market: Market) -> None:
    stocked(market)
    market.open(PriceFile(6, price_rows(milk="5", eggs="12"), is_full=True, store=4))
    market.open(PriceFile(6, price_rows(milk="5.50"), is_full=True, store=5))
    market.load_lists(market.publish(StoreList(9, {(1, 4): "אינטרנט", (1, 5): "אונליין"})))
    columns = "select lowest_price, stores_at_lowest, store_id, highest_price, stores, chains from"

    assert market.ask(f"{columns} cheapest_prices where gtin = '{MILK}'") == [
        (Decimal("6.5"), 2, 3, Decimal("7.7"), 3, 2)
    ]
    assert market.ask(f"{columns} cheapest_online_prices where gtin = '{MILK}'") == [
        (Decimal(5), 1, 4, Decimal("5.5"), 2, 1)
    ]
    both = "select is_online, count(*) from current_prices where gtin = :gtin group by 1 order by 1"
    assert market.ask(both.replace(":gtin", f"'{MILK}'")) == [(False, 3), (True, 2)]


def test_coverage_tells_ghosts_from_unknown_stores(market: Market) -> None:
    stocked(market)
    market.load_lists(market.publish(StoreList(9, {(1, 5): "חדש"})))
    six, eight = NOON.replace(hour=6), NOON.replace(hour=8)

    coverage = market.ask("""
        select store_id, listing_status, prices, newest_full_at, newest_delta_at, age is null
        from store_coverage order by store_id
    """)

    assert coverage == [
        (1, "delisted", 3, six, eight, False),
        (2, "unknown", 2, six, None, False),
        (3, "unknown", 2, six, None, False),
        (5, "ghost", 0, None, None, True),
        (7, "gone", 0, None, None, True),
    ]


def test_a_listed_store_with_prices_is_plainly_listed(market: Market) -> None:
    market.load_lists(market.publish(StoreList(1, {(1, 1): "תלפיות"})))
    market.open(PriceFile(6, price_rows(milk="7"), is_full=True))

    ages = market.ask("select listing_status, age = now() - newest_full_at from store_coverage")

    assert ages == [("listed", True)]


def test_changes_say_by_how_much(market: Market) -> None:
    stocked(market)

    changes = market.ask(
        "select code, old_price, new_price, percent, old_price_since from price_changes order by code"
    )

    six = NOON.replace(hour=6)
    assert changes == [
        (TOMATO, Decimal(5), Decimal(4), Decimal("-20.0"), six),
        (MILK, Decimal(7), Decimal("7.7"), Decimal("10.0"), six),
    ]


def test_periods_are_the_history_with_names(market: Market) -> None:
    stocked(market)

    periods = market.ask(f"""
        select store_name, product_name, price, valid_to is null from price_periods
        where gtin = '{MILK}' and store_id = 1 order by valid_from
    """)

    assert periods == [
        ("תלפיות", NAMES[MILK], Decimal(7), False),
        ("תלפיות", NAMES[MILK], Decimal("7.7"), True),
    ]


def test_the_fleet_knows_ages(market: Market) -> None:
    stocked(market)
    market.publish(PriceFile(10, price_rows(milk="8"), store=1))

    (row,) = market.ask("select load_age, pending_age, last_listed_at, bytes from feed_health")

    assert row[0] is not None
    assert isinstance(row[1], timedelta)
    assert row[2:] == (NOON, 6)


def found(market: Market, typed: str) -> Sequence[str]:
    with market.engine.connect() as connection:
        return list(connection.scalars(sa.text("select name from search_products(:typed)"), {"typed": typed}))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("חלב", NAMES[MILK]),
        ("תנובה חלב", NAMES[MILK]),  # word order
        ("חל", NAMES[MILK]),  # a beginning
        ("ביצ", NAMES[EGGS]),
        ("חלב 1 ל״", NAMES[MILK]),  # gershayim for a quote
        ("חלב 1 ל", NAMES[MILK]),
        ("תריסר l", NAMES[EGGS]),
        ("גבניות", NAMES[TOMATO]),  # inside a word
        ("עגבנית שרי", NAMES[TOMATO]),  # misspelled
        ("תנובא", NAMES[MILK]),
        ("לחים אחיד", NAMES[BREAD]),
        (MILK, NAMES[MILK]),  # a GTIN
        (f"0{MILK}", NAMES[MILK]),
        (TOMATO, NAMES[TOMATO]),  # a chain's own code
    ],
)
def test_search_finds_a_product_as_people_type_it(market: Market, typed: str, name: str) -> None:
    stocked(market)

    assert list(found(market, typed))[:1] == [name]


@pytest.mark.parametrize("typed", ["", "  ", '"', "%", "צפרדע מטוגנת", "'; drop table product; --"])
def test_search_finds_nothing_where_nothing_is_alike(market: Market, typed: str) -> None:
    stocked(market)

    assert found(market, typed) == []


def named(code: str, name: str) -> PriceRow:
    return PriceRow(code, "7", is_barcode=True, name=name)


def test_search_gives_the_names_by_chain_and_puts_the_nearest_first(market: Market) -> None:
    market.open(
        PriceFile(6, [named(MILK, "שוקו חלב טרי"), named(BREAD, "חלב 3%")]),
        PriceFile(6, [named(BREAD, "חלב טרי")], chain=OTHER, store=2),
    )

    rows = market.ask("select gtin, name, names, chains from search_products('חלב')")

    both = {CHAIN: "חלב 3%", OTHER: "חלב טרי"}
    assert rows == [(BREAD, "חלב 3%", both, 2), (MILK, "שוקו חלב טרי", {CHAIN: "שוקו חלב טרי"}, 1)]


def test_search_knows_a_name_as_soon_as_a_chain_changes_or_drops_it(market: Market) -> None:
    market.open(PriceFile(6, price_rows(milk="7")))
    market.open(PriceFile(30, [PriceRow(MILK, "7", is_barcode=True, name="משקה סויה")]))
    assert (found(market, "סויה"), found(market, "חלב")) == (["משקה סויה"], [])

    market.open(PriceFile(54, [PriceRow(MILK, "7", is_barcode=True)]))
    assert found(market, "סויה") == []
    assert market.ask("select count(*) from product_name") == [(0,)]


def test_a_role_that_may_not_create_the_extension_is_told_what_to_do(postgres_server: DatabaseServer) -> None:
    database = postgres_server.as_admin.database()
    with database as url, psycopg.connect(url, autocommit=True) as connection:
        # owns its schema, as a managed server's users do, and nothing else
        name = sql.Identifier("loader_without_rights")
        connection.execute(sql.SQL("create role {} login").format(name))
        connection.execute(sql.SQL("alter schema public owner to {}").format(name))
        separator = "&" if "?" in url else "?"
        try:
            with pytest.raises(DatabaseUnavailable, match="run `create extension pg_trgm` in this database"):
                migrate(f"{url}{separator}user=loader_without_rights")
            connection.execute("create extension pg_trgm")
            migrate(f"{url}{separator}user=loader_without_rights")
        finally:
            connection.execute("alter schema public owner to current_user")
            connection.execute(sql.SQL("drop owned by {}").format(name))
            connection.execute(sql.SQL("drop role {}").format(name))
