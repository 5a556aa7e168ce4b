"""The view of promotions in force: what people see of an offer, its price and its conditions."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogobe_dagster.clock import now as present
from gogobe_dagster.parsing.promotions.pricing.no_price import NoPrice
from gogobe_dagster.parsing.promotions.pricing.shopper_price import with_shopper_prices
from gogobe_dagster.parsing.promotions.pricing.shopper_price_sql import COLUMNS
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

POSTGRES = {
    "reward_type": "smallint",
    "regular_price_share": "numeric",
    "fixed_unit_price": "numeric",
    "fixed_kilogram_price": "numeric",
    "is_by_weight": "boolean",
    "min_total_quantity": "numeric",
    "no_price_reason": "text",
    "is_gift": "boolean",
    "regular_price": "numeric",
    "product_is_weighted": "boolean",
}
TYPES = {
    "smallint": pl.Int16(),
    "numeric": pl.Decimal(14, 8),
    "boolean": pl.Boolean(),
    "text": pl.String(),
}
KNOWN = pl.Schema({name: TYPES[kind] for name, kind in POSTGRES.items()})
_maybe = st.none() | st.booleans()
_money = st.sampled_from([Decimal(text) for text in ("-3", "0", "1.5", "2.3333", "10")])
ROWS = st.fixed_dictionaries(
    {
        "reward_type": st.sampled_from([None, 1, 3, 7, 9, 10]),
        "regular_price_share": st.sampled_from([Decimal(text) for text in ("0", "0.75", "0.66666667", "1")]),
        "fixed_unit_price": _money,
        "fixed_kilogram_price": _money,
        "is_by_weight": _maybe,
        "min_total_quantity": st.none() | st.sampled_from([Decimal(1), Decimal(4), Decimal(6)]),
        "no_price_reason": st.none() | st.sampled_from([str(reason) for reason in NoPrice]),
        "is_gift": _maybe,
        "regular_price": st.none() | _money,
        "product_is_weighted": _maybe,
    }
)


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def test_an_offer_is_shown_with_names_the_price_of_a_piece_and_what_it_costs_otherwise(
    market: Market,
) -> None:
    market.load_lists(market.publish(StoreList(4, {(1, 1): "תלפיות"})))
    market.open(PriceFile(5, [PriceRow(MILK, "7.10", is_barcode=True, name="חלב 3%")], is_full=True))
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


LAST_FOR_LESS = {"reward_type": 9, "discount_rate": Decimal(5000), "is_weighted": False, "is_active": True}
BY_WEIGHT = {"reward_type": 1, "is_weighted": True, "is_active": True}


@pytest.mark.parametrize(
    ("offer", "weighted", "expected"),
    [
        (Offer("1", [MILK]), None, ("5.0", None, 2, None)),
        (Offer("1", [MILK], price="32.45", other=BY_WEIGHT), True, ("32.45", "kilogram", 2, None)),
        (Offer("1", [MILK], price="49.50", description="צוואר"), True, ("49.50", "kilogram", 2, None)),
        (Offer("1", [MILK], price="49.50", description="צוואר"), False, ("24.75", "piece", 2, None)),
        (Offer("1", [MILK], price=None, other=LAST_FOR_LESS), False, ("6.0", "piece", 2, None)),
        (
            Offer("1", [BREAD], price=None, other=LAST_FOR_LESS),
            False,
            (None, "piece", 2, "regular_price_unknown"),
        ),
        (Offer("1", [MILK], other={"reward_type": 6}), False, (None, "piece", None, "other_items")),
        (Offer("1", gifts=[MILK]), False, (None, "piece", 2, "gift")),
        # City Market: six cans for 24.90, also listed for the package of six, which costs 26.90
        (Offer("1", [MILK], price="7.40", min_quantity="6"), False, (None, "piece", 6, "package")),
        (Offer("1", [MILK], price="7.40", min_quantity="6"), True, ("7.40", "kilogram", 6, None)),
    ],
)
def test_a_unit_costs_what_the_offer_and_the_price_file_say(
    market: Market, offer: Offer, *, weighted: bool | None, expected: tuple[Any, ...]
) -> None:
    price_row = PriceRow(MILK, "8.00", is_barcode=True, is_weighted=weighted)
    market.open(PriceFile(5, [price_row], is_full=True))
    market.offer(PromotionFile(5, [offer], is_full=True))

    columns = "effective_unit_price, price_basis, min_total_quantity, no_price_reason"
    assert market.ask(f"select {columns} from promotions_now") == [
        (expected[0] and Decimal(expected[0]), *expected[1:])
    ]


def test_an_item_in_both_legs_of_a_deal_costs_what_both_come_to(market: Market) -> None:
    first, second = [MILK], [MILK, EGGS]
    offers = [
        Offer("1", first, price="28.90", min_quantity="1", other={"reward_type": 3}),
        Offer("1", second, price="1.00", min_quantity="1", group=2, other={"reward_type": 3}),
    ]
    market.offer(PromotionFile(5, offers, is_full=True))

    shown = "select group_id, gtin, effective_unit_price, no_price_reason from promotions_now order by 1, 2"
    assert market.ask(shown) == [
        (1, MILK, Decimal("14.95"), None),
        (2, MILK, Decimal("14.95"), None),
        (2, EGGS, None, "other_items"),
    ]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROWS, min_size=1, max_size=20))
def test_the_view_and_the_reader_compute_the_same(engine: sa.Engine, rows: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(rows, schema=KNOWN)
    expressions = ", ".join(f"{text} as shown_{name}" for name, text in COLUMNS.items())
    values = "select " + ", ".join(f"cast(:{name} as {kind}) as {name}" for name, kind in POSTGRES.items())
    with engine.connect() as connection:
        answers = [
            tuple(connection.execute(sa.text(f"select {expressions} from ({values}) known"), row).one())
            for row in rows
        ]

    assert with_shopper_prices(frame).select(*COLUMNS).rows() == answers


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
