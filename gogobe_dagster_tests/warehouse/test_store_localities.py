"""Which locality a store is in: cities as chains publish them, loaded from store lists, and new packages."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster.localities.table import localities
from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster.warehouse.schema.views import VIEWS
from gogobe_dagster_tests.warehouse.databases import ask, run
from gogobe_dagster_tests.warehouse.making import CHAIN
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import BREAD, MILK, Market, PriceFile, StoreList

pytestmark = pytest.mark.slow

CARREFOUR, SHUFERSAL, TIV_TAAM = "7290055700007", "7290027600007", "7290873255550"
PETAH_TIQWA, TEL_AVIV, JERUSALEM = 7900, 5000, 3000
LOCATED = "select locality_code, locality_name, district from {} order by chain_id, store_id"
CODES = "select store_id, locality_code from store order by store_id"


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def listed(market: Market, *cities: str | None, hours: float = 1, chain: str = CHAIN) -> None:
    """Load a list of stores 1, 2, … that are called סניף and have these cities."""
    keys = [(1, number) for number in range(1, len(cities) + 1)]
    addresses = {key: {"city": city} for key, city in zip(keys, cities, strict=True)}
    store_list = StoreList(hours, dict.fromkeys(keys, "סניף"), chain=chain, addresses=addresses)
    feed = {CHAIN: "rami_levy", SHUFERSAL: "shufersal", CARREFOUR: "carrefour", TIV_TAAM: "tiv_taam"}[chain]
    market.load_lists(market.publish(store_list, feed=feed))


@pytest.mark.parametrize("view", ["current_prices", "store_coverage", "price_periods", "promotions_now"])
def test_a_town_that_chains_spell_differently_is_one_locality(market: Market, view: str) -> None:
    published = {SHUFERSAL: 'ת"א', CARREFOUR: "תל-אביב", TIV_TAAM: "5000"}
    for hour, (chain, city) in enumerate(published.items(), 1):
        listed(market, city, hours=hour, chain=chain)
        market.open(PriceFile(hour, {MILK: "7"}, chain=chain, is_full=True))
        market.offer(PromotionFile(hour, [Offer("11", [MILK])], chain=chain, is_full=True))

    assert market.ask(LOCATED.format(view)) == [(TEL_AVIV, "תל אביב-יפו", "תל אביב")] * 3
    assert {city for (city,) in market.ask(f"select city from {view}")} == set(published.values())


@pytest.mark.parametrize("city", ["פתח תקווה", "פתח תקוה", "פתח-תקוה", "פתחתקוה", "פתח התקווה", "7900"])
def test_every_published_spelling_of_a_town_is_the_town(market: Market, city: str) -> None:
    listed(market, city)

    assert market.ask(CODES) == [(1, PETAH_TIQWA)]


@pytest.mark.parametrize("city", ['צומת ביל"ו', "גוש עציון", "4", "0", "", None])
def test_a_city_that_names_no_locality_stays_as_published_and_has_none(
    market: Market, city: str | None
) -> None:
    listed(market, city)

    assert market.ask("select city, locality_code, locality_name, district from store_coverage") == [
        (city, None, None, None)
    ]


def test_an_online_store_without_a_city_has_no_locality_and_keeps_its_prices(market: Market) -> None:
    address = {"city": None, "address": "WWW.SHUFERSAL.CO.IL"}
    market.load_lists(market.publish(StoreList(1, {(1, 1): "שופרסל ONLINE"}, addresses={(1, 1): address})))
    market.open(PriceFile(2, {MILK: "7"}))

    assert market.ask("select store_name, locality_code, locality_name from cheapest_online_prices") == [
        ("שופרסל ONLINE", None, None)
    ]


def test_a_store_that_only_price_files_know_has_no_locality(market: Market) -> None:
    market.open(PriceFile(2, {MILK: "7"}))

    assert market.ask("select price, locality_name from current_prices") == [(7, None)]


def test_the_newest_list_says_where_a_store_is(market: Market) -> None:
    listed(market, "3000", "5000", hours=6)
    listed(market, "ירושלים", "0", hours=9)
    listed(market, "חיפה", "חיפה", hours=3)

    assert market.ask(CODES) == [(1, JERUSALEM), (2, None)]


def test_the_cheapest_in_a_town_is_found_by_its_name(market: Market) -> None:
    listed(market, "3000", "ירושלים", "5000")
    market.open(
        *(PriceFile(2, {MILK: price}, store=store) for store, price in ((1, "7"), (2, "6"), (3, "5")))
    )

    cheapest = "select store_id, price from current_prices where locality_name = 'ירושלים' order by price"
    assert market.ask(cheapest) == [(2, 6), (1, 7)]


def test_an_empty_database_gets_every_locality(database_url: str) -> None:
    migrate(database_url)

    known = ask(database_url, "select locality_code, name, population from locality order by 1")
    assert known == [(place.code, place.name, place.population) for place in localities().values()]
    # as the Central Bureau of Statistics has it
    assert (3000, "ירושלים") in {row[:2] for row in known}


def test_a_new_package_replaces_localities_and_looks_for_every_store_again(database_url: str) -> None:
    migrate(database_url)
    run(
        database_url,
        "update locality set name = 'as in an older package'",
        "insert into locality values (99999, 'gone', 'gone', 'x', 'x', 31, 35)",
        "update locality set population = 1 where locality_code = 5000",
        f"insert into chain (chain_id) values ('{CHAIN}')",
        f"insert into sub_chain (chain_id, sub_chain_id) values ('{CHAIN}', 1)",
        f"""insert into store
            (chain_id, sub_chain_id, store_id, city, locality_code, first_seen_at, last_seen_at)
        select '{CHAIN}', 1, n, city, code, now(), now()
        from (values (1, '3000', null), (2, 'ת"א', 99999), (3, 'צומת ביל"ו', 5000)) s (n, city, code)""",
        "update schema_fingerprint set sha256 = 'of another version' where part = 'localities'",
    )

    migrate(database_url)

    assert ask(database_url, CODES) == [(1, JERUSALEM), (2, TEL_AVIV), (3, None)]
    known = ask(database_url, "select locality_code, name, population from locality order by 1")
    assert known == [(place.code, place.name, place.population) for place in localities().values()]


def test_nothing_is_written_while_the_package_is_the_same(database_url: str) -> None:
    migrate(database_url)
    run(database_url, "update locality set name = 'mine' where locality_code = 3000")

    migrate(database_url)

    assert ask(database_url, "select name from locality where locality_code = 3000") == [("mine",)]


def test_every_view_of_stores_has_their_locality() -> None:
    place = {"locality_code", "locality_name", "district", "latitude", "longitude"}
    of_stores = {view.name for view in VIEWS if {"store_key", "store_id", "city"} & set(view.columns)}
    located = {view.name for view in VIEWS if place <= set(view.columns)}

    assert len(located) == 9
    assert of_stores - located == {
        "price_history",  # the keys and values of price_periods, which joins the names
        "published_files",  # rows are files, with the keys that their names have
    }
    assert located <= of_stores


@pytest.mark.parametrize(
    "query",
    [
        f"current_prices where gtin = '{BREAD}'",
        f"current_prices where gtin = '{BREAD}' and locality_name = 'ירושלים'",
        f"current_prices where gtin = '{BREAD}' and locality_code = 3000",
        "current_prices where store_key = 7",
        f"cheapest_prices where gtin = '{BREAD}'",
        f"cheapest_prices where gtin = '{BREAD}' and district = 'ירושלים'",
        "promotions_now where product_key = 1 and locality_name = 'ירושלים'",
    ],
)
def test_prices_and_promotions_are_looked_up_by_index(market: Market, query: str) -> None:
    listed(market, *["3000", "5000", "חיפה"] * 20)
    market.open(PriceFile(2, {BREAD: "7"}))
    offers = [Offer(f"{number}", [f"{1000 + number}", f"{2000 + number}"]) for number in range(300)]
    market.offer(*(PromotionFile(5, offers, is_full=True, store=store) for store in range(1, 31)))
    with market.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            sa.text("""
            insert into price_current (store_key, product_key, price, valid_from, file_id)
            select store_key, product_key, 7, now(), 1 from store, product on conflict do nothing
            """)
        )
        connection.execute(sa.text("analyze"))

    plan = "\n".join(row[0] for row in market.ask(f"explain select * from {query}"))

    assert "price_current" in plan
    for table in ("price_current", "promotion_store", "promotion_item"):
        assert f"Seq Scan on {table} " not in plan
