"""What a basket costs in each store: multiples of offers, conditions, missing products, places."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    Market,
    PriceFile,
    PriceRow,
    StoreList,
)

pytestmark = pytest.mark.slow

JERUSALEM, TEL_AVIV, HAIFA = 1, 2, 3
"""Store numbers; the fourth sells online."""
ONLINE = 4
CITIES = {JERUSALEM: "3000", TEL_AVIV: 'ת"א', HAIFA: "חיפה", ONLINE: None}
UNKNOWN = "7290000000008"


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    market = Market.at(engine, tmp_path)
    names = {(1, store): "ONLINE אתר" if store == ONLINE else "סניף" for store in CITIES}
    addresses = {(1, store): {"city": city} for store, city in CITIES.items()}
    market.load_lists(market.publish(StoreList(1, names, addresses=addresses)))
    return market


def sell(market: Market, store: int = JERUSALEM, **prices: str) -> None:
    codes = {"milk": MILK, "bread": BREAD, "eggs": EGGS}
    rows = [PriceRow(codes[name], price, is_barcode=True, name=name) for name, price in prices.items()]
    market.open(PriceFile(5, rows, is_full=True, store=store))


def offer(market: Market, *offers: Offer, store: int = JERUSALEM) -> None:
    market.offer(PromotionFile(5, offers, is_full=True, store=store))


def basket(
    market: Market, items: dict[str, float], columns: str = "store_id, total", where: str = ""
) -> list[tuple[Any, ...]]:
    lines = json.dumps([{"gtin": gtin, "quantity": quantity} for gtin, quantity in items.items()])
    return market.ask(f"select {columns} from basket('{lines}'{where})")


def total(market: Market, items: dict[str, float], where: str = "") -> Decimal:
    [(cost,)] = basket(market, items, "total", where)
    assert isinstance(cost, Decimal)
    return cost


def test_lines_are_price_times_quantity(market: Market) -> None:
    sell(market, milk="7.10", bread="5")

    columns = "store_id, lines, missing, total, regular_total, comparable_total"
    assert basket(market, {MILK: 2, BREAD: 1.5}, columns) == [
        (JERUSALEM, 2, 0, Decimal("21.70"), Decimal("21.70"), Decimal("21.70"))
    ]


@pytest.mark.parametrize(
    ("quantity", "cost"), [(1, "7.10"), (2, "10.00"), (3, "17.10"), (4, "20.00"), (5, "27.10")]
)
def test_two_for_ten_holds_for_each_two(market: Market, quantity: int, cost: str) -> None:
    sell(market, milk="7.10")
    offer(market, Offer("11", [MILK], price="10", min_quantity="2"))

    assert total(market, {MILK: quantity}) == Decimal(cost)
    assert basket(market, {MILK: quantity}, "regular_total") == [(quantity * Decimal("7.10"),)]


def test_a_limit_of_two_pieces_leaves_the_others_at_their_price(market: Market) -> None:
    sell(market, milk="7.10")
    offer(market, Offer("11", [MILK], price="10", min_quantity="2", other={"max_quantity": Decimal(2)}))

    assert total(market, {MILK: 5}) == Decimal("31.30")


def test_goods_by_weight_have_the_price_from_the_least_quantity_on(market: Market) -> None:
    """`2 קג ב-64.90`: chicken of Cerberus, whose price is that of a kilogram."""
    weighed = {"is_weighted": True, "is_active": True}
    sell(market, milk="49.90")
    offer(market, Offer("11", [MILK], price="32.45", min_quantity="2", description="", other=weighed))

    assert total(market, {MILK: 2.5}) == Decimal("81.13")
    assert total(market, {MILK: 1.5}) == Decimal("74.85")


def test_the_best_offer_counts_and_a_dearer_one_never(market: Market) -> None:
    sell(market, milk="7.10")
    by_piece = {"is_weighted": False, "is_active": True}
    offer(
        market, *(Offer(price, [MILK], price, description="", other=by_piece) for price in ("10", "8", "99"))
    )

    assert total(market, {MILK: 2}) == Decimal("8.00")


@pytest.mark.parametrize(
    ("terms", "where"),
    [
        ({"club_ids": "1"}, "with_club => true"),
        ({"is_coupon": True}, "with_coupon => true"),
        ({"description": "קופון 2 ב-10"}, "with_coupon => true"),
    ],
)
def test_clubs_and_coupons_only_for_who_has_them(market: Market, terms: dict[str, Any], where: str) -> None:
    sell(market, milk="7.10")
    offer(market, Offer("11", [MILK], price="10", other=terms))

    assert total(market, {MILK: 2}) == Decimal("14.20")
    assert total(market, {MILK: 2}, f", {where}") == Decimal("10.00")


def test_an_offer_above_a_sum_asks_for_that_sum(market: Market) -> None:
    sell(market, milk="7.10", bread="50")
    offer(market, Offer("11", [MILK], price="10", other={"min_basket_amount": Decimal(60)}))

    assert total(market, {MILK: 2}) == Decimal("14.20")
    assert total(market, {MILK: 2, BREAD: 1}) == Decimal("60.00")


def test_what_a_store_lacks_is_added_at_what_it_costs_elsewhere(market: Market) -> None:
    sell(market, JERUSALEM, milk="6", bread="5", eggs="12")
    sell(market, TEL_AVIV, milk="5", eggs="10")
    sell(market, HAIFA, milk="4")

    columns = "store_id, lines, missing, total, comparable_total"
    assert basket(market, {MILK: 1, BREAD: 2, EGGS: 1}, columns) == [
        (TEL_AVIV, 2, 1, 15, 25),
        (HAIFA, 1, 2, 4, 25),  # bread for 10, eggs at 11, the middle of 10 and 12
        (JERUSALEM, 3, 0, 28, 28),
    ]


def test_what_no_store_sells_makes_nothing_comparable(market: Market) -> None:
    sell(market, milk="6")

    columns = "lines, missing, total, comparable_total"
    assert basket(market, {MILK: 1, UNKNOWN: 1}, columns) == [(1, 1, 6, None)]
    assert basket(market, {UNKNOWN: 1}) == []


def test_the_same_product_twice_is_bought_once_in_their_sum(market: Market) -> None:
    sell(market, milk="7.10")
    offer(market, Offer("11", [MILK], price="10"))

    lines = json.dumps([{"gtin": MILK}, {"gtin": MILK.zfill(14)}])
    assert market.ask(f"select total, lines from basket('{lines}')") == [(10, 1)]


@pytest.mark.parametrize(
    ("where", "stores"),
    [
        ("", {JERUSALEM, TEL_AVIV, HAIFA}),
        (", with_online => true", {JERUSALEM, TEL_AVIV, HAIFA, ONLINE}),
        (", 'תל אביב-יפו'", {TEL_AVIV}),
        (", 'תל אביב'", {TEL_AVIV}),
        (", 'tel aviv-yafo'", {TEL_AVIV}),
        (", '5000', with_online => true", {TEL_AVIV, ONLINE}),
        (", in_district => 'חיפה'", {HAIFA}),
        (", near_latitude => 32.08, near_longitude => 34.80", {TEL_AVIV}),
        (", near_latitude => 32.08, near_longitude => 34.80, radius_km => 60", {TEL_AVIV, JERUSALEM}),
    ],
)
def test_stores_are_chosen_by_place(market: Market, where: str, stores: set[int]) -> None:
    for store in CITIES:
        sell(market, store, milk="7")

    assert {store for store, _ in basket(market, {MILK: 1}, where=where)} == stores


@pytest.mark.parametrize("where", [", 'אין כזה'", ", 'אל'", ", 'zohar'", ", near_latitude => 32"])
def test_a_place_that_is_none_or_several_is_refused(market: Market, where: str) -> None:
    """אל-רום and אל-עזי both begin so; צוחר and זוהר are both Zohar in English."""
    with pytest.raises(sa.exc.DBAPIError, match="basket: "):
        basket(market, {MILK: 1}, where=where)


def test_a_name_that_another_one_begins_with_is_the_shorter_one(market: Market) -> None:
    """ערערה is in the north, ערערה-בנגב in the south."""
    addresses = {(1, JERUSALEM): {"city": "ערערה"}, (1, TEL_AVIV): {"city": "ערערה-בנגב"}}
    names = dict.fromkeys(addresses, "סניף")
    market.load_lists(market.publish(StoreList(2, names, addresses=addresses)))
    for store in (JERUSALEM, TEL_AVIV):
        sell(market, store, milk="7")

    assert basket(market, {MILK: 1}, where=", 'ערערה'") == [(JERUSALEM, 7)]


@pytest.mark.parametrize(("limit", "cost"), [("1", "31.30"), ("2", "27.10"), ("0", "27.10")])
def test_an_offer_holds_as_often_as_a_customer_may_use_it(market: Market, limit: str, cost: str) -> None:
    sell(market, milk="7.10")
    offer(market, Offer("11", [MILK], price="10", other={"redemption_limit": Decimal(limit)}))

    assert total(market, {MILK: 5}) == Decimal(cost)


def test_a_sum_of_its_items_is_not_reached_by_other_things(market: Market) -> None:
    sell(market, milk="7.10", bread="50")
    offer(market, Offer("11", [MILK], price="10", other={"min_purchase_amount": Decimal(20)}))

    assert total(market, {MILK: 2, BREAD: 1}) == Decimal("64.20")
    assert total(market, {MILK: 4}) == Decimal("20.00")


def test_distances_are_those_of_a_map(market: Market) -> None:
    """Tel Aviv to Jerusalem is 54 km as the crow flies, to Haifa 81."""
    sell(market, JERUSALEM, milk="7")
    sell(market, HAIFA, milk="7")

    where = ", near_latitude => 32.0853, near_longitude => 34.7818, radius_km => 100"
    distances = dict(basket(market, {MILK: 1}, "store_id, distance", where))
    assert distances[JERUSALEM] == pytest.approx(54, abs=3)
    assert distances[HAIFA] == pytest.approx(81, abs=4)


def test_a_price_of_zero_is_not_known(market: Market) -> None:
    sell(market, milk="0", bread="5")

    assert basket(market, {MILK: 1, BREAD: 1}, "lines, missing, total") == [(1, 1, 5)]


@pytest.mark.parametrize(
    "items",
    [
        "{}",
        "[]",
        "null",
        "[1]",
        '[{"quantity": 1}]',
        '[{"gtin": 7290000042640}]',
        f'[{{"gtin": "{MILK}", "quantity": -1}}]',
        f'[{{"gtin": "{MILK}", "quantity": "2"}}]',
        f'[{{"gtin": "{MILK}", "quantity": 1e9}}]',
        json.dumps([{"gtin": MILK}] * 201),
    ],
)
def test_wrong_items_are_refused_with_a_sentence(market: Market, items: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="basket: "):
        market.ask(f"select * from basket('{items}')")


def test_a_hostile_gtin_is_only_text(market: Market) -> None:
    lines = json.dumps([{"gtin": "''; drop table product; --"}, {"gtin": "x" * 10_000}])
    assert market.ask(f"select * from basket('{lines.replace(chr(39), chr(39) * 2)}')") == []


@pytest.mark.parametrize(
    ("days", "day", "is_on"),
    [
        (None, "2026-11-29", True),
        (" ", "2026-11-29", True),
        ("1,2,7", "2026-11-29", True),  # a Sunday
        ("1,2,7", "2026-11-28", True),  # Shabbat
        ("1 2", "2026-11-28", False),
        ("23456", "2026-11-30", True),
        ("ראשון", "2026-11-29", False),  # what it means is not certain
        ("8", "2026-11-29", False),
        ("", "2026-11-29", True),
    ],
)
def test_days_of_the_week_are_numbered_from_sunday(
    market: Market, days: str | None, day: str, *, is_on: bool
) -> None:
    query = sa.text("select is_on_day(:days, cast(:day as date))")
    with market.engine.connect() as connection:
        assert connection.scalar(query, {"days": days, "day": day}) is is_on


def test_an_offer_of_other_days_does_not_count_today(market: Market) -> None:
    sell(market, milk="7.10", bread="9")
    [(today,)] = market.ask("select 1 + extract(dow from now() at time zone 'Asia/Jerusalem')::int")
    others = ",".join(str(day) for day in range(1, 8) if day != today)
    offer(
        market,
        Offer("11", [MILK], price="10", other={"days": others}),
        Offer("12", [BREAD], price="10", other={"days": f"{today}"}),
    )

    assert total(market, {MILK: 2}) == Decimal("14.20")
    assert total(market, {BREAD: 2}) == Decimal("10.00")
