"""The view of promotions in force: what people see of an offer, its price and its conditions."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gogobe_dagster.clock import now as present
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    Market,
    PriceFile,
    Shelf,
    StoreList,
)


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def test_an_offer_is_shown_with_names_the_price_of_a_piece_and_what_it_costs_otherwise(
    market: Market,
) -> None:
    market.load_lists(market.publish(StoreList(4, {(1, 1): "תלפיות"})))
    market.open(PriceFile(5, [Shelf(MILK, "7.10", is_barcode=True, name="חלב 3%")], is_full=True))
    market.offer(PromotionFile(5, [Offer("11", [MILK, BREAD], gifts=[EGGS])], is_full=True))
    shown = """
        select chain_name, store_name, promotion_id, description, gtin, product_name, effective_unit_price,
            regular_price, is_gift from promotions_now order by gtin
    """
    where = ("רמי לוי", "תלפיות", "11", "2 ב-10")
    assert market.ask(shown) == [
        (*where, MILK, "חלב 3%", 5, Decimal("7.1"), False),
        (*where, BREAD, None, 5, None, False),
        (*where, EGGS, None, None, None, True),
    ]


@pytest.mark.parametrize(
    ("reward", "price", "quantity", "expected"),
    [
        (1, "20.90", "2", "10.45"),
        (10, "10", "3", "3.3333"),
        (3, "19.90", "1", "19.90"),
        (1, "64.90", "0.01", "64.90"),  # by weight: the price is a kilogram's (Yohananof)
        (10, "7.90", "0.010", "7.90"),  # the same (Rami Levy)
        (1, "53.33", "0.30", "53.33"),  # 300 g at 16 (Yohananof)
        (10, "20", "0.25", "80"),  # 250 g at 20 (Victory)
        (2, "9.95", "2", None),  # the second at half its price
        (9, "0", "3", None),
        (7, None, "2", None),
        (1, "-5", "1", None),
        (1, "10", None, None),
        (None, "10", "1", None),
    ],
)
def test_the_price_of_a_piece_is_shown_where_the_reward_type_states_one(
    market: Market, reward: int | None, price: str | None, quantity: str | None, expected: str | None
) -> None:
    arguments = {"reward": reward, "price": price, "quantity": quantity}
    call = (
        "select offered_price(cast(:reward as smallint), cast(:price as numeric), cast(:quantity as numeric))"
    )
    with market.engine.connect() as connection:
        found = connection.scalar(sa.text(call), arguments)
    assert found == (expected and Decimal(expected))


def test_conditions_stand_in_columns(market: Market) -> None:
    conditions: dict[str, Any] = {
        "club_ids": "1,5",
        "is_coupon": True,
        "max_quantity": Decimal(4),
        "min_basket_amount": Decimal(75),
        "remarks": "לחברי מועדון",
    }
    offers = [
        Offer("11", [MILK], other=conditions),
        Offer("12", [MILK], other={"club_ids": "0"}),
        Offer("13"),
    ]
    market.offer(PromotionFile(5, offers, is_full=True))
    columns = "min_quantity, max_quantity, min_basket_amount, club_ids, is_for_everybody, is_coupon, remarks"
    assert market.ask(f"select promotion_id, gtin, {columns} from promotions_now order by 1") == [
        ("11", MILK, 2, 4, 75, "1,5", False, True, "לחברי מועדון"),
        ("12", MILK, 2, None, None, "0", True, None, None),
        ("13", None, 2, None, None, None, None, None, None),  # it names no item
    ]


def test_only_what_holds_now_is_shown(market: Market) -> None:
    now, hour = present(), timedelta(hours=1)
    offers = [
        Offer("before", [MILK], other={"starts_at": now - 2 * hour, "ends_at": now - hour}),
        Offer("during", [MILK], other={"starts_at": now - hour, "ends_at": now + hour}),
        Offer("after", [MILK], other={"starts_at": now + hour, "ends_at": now + 2 * hour}),
        Offer("switched off", [MILK], other={"is_active": False}),
        Offer("without dates", [MILK]),
        Offer("gone", [MILK]),
    ]
    market.offer(PromotionFile(5, offers, is_full=True), PromotionFile(6, offers[:5], is_full=True))
    shown = [row[0] for row in market.ask("select promotion_id from promotions_now order by 1")]
    assert shown == ["during", "without dates"]


@pytest.mark.parametrize(
    ("where", "table"),
    [("product_key = 1", "promotion_item"), ("store_key = 1 limit 100", "promotion_store")],
)
def test_a_product_over_the_country_and_a_store_are_looked_up_by_index(
    market: Market, where: str, table: str
) -> None:
    offers = [Offer(f"{number}", [f"{1000 + number}", f"{2000 + number}"]) for number in range(300)]
    market.offer(*(PromotionFile(5, offers, is_full=True, store=store) for store in range(1, 31)))
    with market.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("analyze"))
    plan = "\n".join(row[0] for row in market.ask(f"explain select * from promotions_now where {where}"))
    assert table in plan
    assert f"Seq Scan on {table}" not in plan
    assert "Seq Scan on promotion_store" not in plan
