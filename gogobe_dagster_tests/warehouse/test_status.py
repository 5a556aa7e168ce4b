from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster.warehouse.status import (
    cheapest_stores,
    fleet_matrix,
    price_changes,
    stores_by_chain,
    widest_spread,
)
from gogobe_dagster_tests.warehouse.making import CHAIN, FEED, NOON, TODAY
from gogobe_dagster_tests.warehouse.market import BREAD, MILK, TOMATO, Market, PriceFile, Shelf, StoreList


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    """Two stores of one chain; milk became cheaper in the first at eight."""
    market = Market.at(engine, tmp_path)
    market.load_lists(market.publish(StoreList(1, {(1, 1): "תלפיות", (1, 2): "מלחה", (1, 3): "סגור"})))
    milk = Shelf(MILK, "7.10", is_barcode=True, name="חלב תנובה 3%", manufacturer="תנובה")
    market.open(
        PriceFile(5, [milk, Shelf(BREAD, "9", is_barcode=True)], is_full=True),
        PriceFile(5, {MILK: "6.50", BREAD: "18", TOMATO: "5"}, is_full=True, store=2),
        PriceFile(8, {MILK: "5.90"}),
        PriceFile(9, {BREAD: "0"}, store=3),
    )
    return market


def test_the_cheapest_stores_come_first_with_names_and_exact_prices(market: Market) -> None:
    answer = cheapest_stores(market.engine, MILK)
    assert answer["store_name"].to_list() == ["תלפיות", "מלחה"]
    assert answer["price"].to_list() == [Decimal("5.9"), Decimal("6.5")]
    assert answer["product_name"].to_list() == ["חלב תנובה 3%"] * 2


@pytest.mark.parametrize("printed", [MILK, f"0{MILK}"])
def test_a_barcode_is_found_with_and_without_its_zeros(market: Market, printed: str) -> None:
    assert len(cheapest_stores(market.engine, printed)) == 2
    assert len(cheapest_stores(market.engine, "7290000000008")) == 0


def test_a_price_of_zero_is_no_offer(market: Market) -> None:
    assert cheapest_stores(market.engine, BREAD)["store_id"].to_list() == [1, 2]


def test_price_changes_are_steps_from_one_price_to_the_next(market: Market) -> None:
    answer = price_changes(market.engine, since=NOON - timedelta(days=1))
    assert answer[["gtin", "old_price", "new_price", "difference"]].to_numpy().tolist() == [
        [MILK, Decimal("7.1"), Decimal("5.9"), Decimal("-1.2")]
    ]
    assert price_changes(market.engine, since=NOON).empty


def test_the_widest_spread_is_over_stores_of_one_gtin(market: Market) -> None:
    answer = widest_spread(market.engine)
    assert answer[["gtin", "stores", "cheapest", "dearest"]].to_numpy().tolist() == [
        [BREAD, 2, 9, 18],
        [MILK, 2, Decimal("5.9"), Decimal("6.5")],
    ]


def test_stores_are_counted_by_chain(market: Market) -> None:
    (row,) = stores_by_chain(market.engine).to_dict("records")
    assert (row["chain_id"], row["chain_name"]) == (CHAIN, "רמי לוי")
    assert (row["stores"], row["listed"], row["with_prices"]) == (3, 3, 3)


def test_the_fleet_matrix_has_a_row_a_feed_and_day(market: Market) -> None:
    market.publish(PriceFile(30, {MILK: "5"}))
    whole = fleet_matrix(market.engine)
    assert whole[["feed", "loaded", "parsed"]].to_numpy().tolist() == [[FEED, 5, 0], [FEED, 0, 1]]
    assert fleet_matrix(market.engine, [TODAY])["rows"].to_list() == [3 + 2 + 3 + 1 + 1]
