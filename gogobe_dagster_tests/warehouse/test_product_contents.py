"""Contents and comparable prices in the tables: loaded with product text, and found again by new packages."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster.units.comparable import with_comparable_prices
from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster_tests.warehouse.databases import ask, run
from gogobe_dagster_tests.warehouse.making import CHAIN
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    TOMATO,
    Market,
    PriceFile,
    PriceRow,
    frame_of,
)

SHUFERSAL, VICTORY, YELLOW = "7290027600007", "7290696200003", "7290644700005"
CONTENTS = """
select code, base_unit, base_quantity, content_source, no_content_reason, comparable_price
from current_prices order by chain_id, code
"""


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def oil(price: str, name: str = "שמן", **content: str | Decimal) -> PriceRow:
    return PriceRow(MILK, price, is_barcode=True, name=name, **content)  # type: ignore[arg-type]


ROWS = [
    PriceRow(MILK, "12.90", is_barcode=True, name="שמן", unit_quantity='מ"ל', quantity=Decimal(750)),
    PriceRow(BREAD, "10", is_barcode=True, name="לחם 750 גרם", unit_quantity="יחידה", quantity=Decimal(1)),
    PriceRow(EGGS, "0", is_barcode=True, name="ביצים", unit_quantity="יח'", quantity=Decimal(12)),
    PriceRow(TOMATO, "4.90", is_barcode=False, name="עגבניות", is_weighted=True),
    PriceRow("121", "3", is_barcode=False, name="פחית"),
]


def test_a_price_comes_with_its_content_and_the_price_of_one_unit(market: Market) -> None:
    market.open(PriceFile(6, ROWS, is_full=True))

    assert market.ask(CONTENTS) == [
        (TOMATO, "kg", 1, "fields", None, Decimal("4.9")),
        ("121", None, None, None, "no_content", None),
        (MILK, "l", Decimal("0.75"), "fields", None, Decimal("17.2")),
        (BREAD, "kg", Decimal("0.75"), "name", None, Decimal("13.3333")),
        (EGGS, "piece", 12, "fields", None, None),
    ]


def test_the_view_and_the_frame_compute_the_same(market: Market) -> None:
    prices = [f"{number}.{number % 100:02}" for number in range(1, 60)]
    rows = [
        PriceRow(f"{number}", price, name="שמן", unit_quantity='מ"ל', quantity=Decimal(number * 7))
        for number, price in enumerate(prices, 1)
    ]
    file = PriceFile(6, rows, is_full=True)
    market.open(file)

    computed = with_comparable_prices(frame_of(file)).select("code", "comparable_price").sort("code")
    viewed = market.ask('select code, comparable_price from current_prices order by code collate "C"')
    assert viewed == computed.rows()
    assert len(viewed) == len(prices)


def test_one_product_in_the_spelling_of_three_chains_has_one_price_of_a_litre(market: Market) -> None:
    spellings = {
        SHUFERSAL: oil("9", unit_quantity="מיליליטרים", quantity=Decimal(750)),
        VICTORY: oil("9", unit_quantity="יח`", quantity=Decimal("7.5"), unit_of_measure='100 מ"ל'),
        YELLOW: oil("9", 'שמן 750 מ"ל'),
    }
    for hours, (chain, row) in enumerate(spellings.items(), 1):
        market.open(PriceFile(hours, [row], chain=chain))

    assert market.ask("select distinct base_unit, comparable_price from current_prices") == [("l", 12)]
    assert market.ask(
        "select lowest_price, comparable_price, base_unit, base_quantity from cheapest_prices"
    ) == [(9, 12, "l", Decimal("0.75"))]


def test_other_text_has_another_content_and_the_newest_holds(market: Market) -> None:
    small, large = (oil("9", unit_quantity='מ"ל', quantity=Decimal(size)) for size in (500, 1000))
    market.open(PriceFile(30, [large]))
    market.open(PriceFile(6, [small]))

    assert [row[2] for row in market.ask(CONTENTS)] == [1]


def test_an_offer_is_compared_by_the_content_of_its_item(market: Market) -> None:
    by_piece = [row if row.is_weighted else replace(row, is_weighted=False) for row in ROWS]
    market.open(PriceFile(6, by_piece, is_full=True))
    market.offer(PromotionFile(6, [Offer("11", [MILK, TOMATO, "121"])], is_full=True))

    offers = market.ask("""
        select code, effective_unit_price, price_basis, effective_comparable_price, base_unit
        from promotions_now order by code
    """)
    assert offers == [
        (TOMATO, 5, "kilogram", 5, "kg"),
        ("121", 5, "piece", None, None),
        (MILK, 5, "piece", Decimal("6.6667"), "l"),
    ]


def test_history_has_comparable_prices_by_the_content_of_now(market: Market) -> None:
    market.open(PriceFile(6, [oil("9", unit_quantity='מ"ל', quantity=Decimal(500))], is_full=True))
    market.open(PriceFile(30, [oil("12", unit_quantity='מ"ל', quantity=Decimal(750))], is_full=True))

    periods = "select price, comparable_price, base_unit from price_periods order by valid_from"
    assert market.ask(periods) == [(9, 12, "l"), (12, 16, "l")]
    changes = "select old_comparable_price, new_comparable_price, base_unit from price_changes"
    assert market.ask(changes) == [(12, 16, "l")]


OLDER = "update schema_fingerprint set sha256 = 'of another version' where part = 'contents'"
WRITTEN = "select xmin::text from chain_product order by chain_id, product_key"
KNOWN = f"""
insert into chain (chain_id) values ('{CHAIN}'), ('{SHUFERSAL}');
insert into product (gtin) values ('{MILK}'), ('{BREAD}');
insert into chain_product (chain_id, product_key, attributes_as_of, code, name, unit_quantity, quantity,
    base_unit, base_quantity, content_source)
select chain.chain_id, product_key, '2026-11-23', gtin, 'שמן "זך", 2',
    case when gtin = '{MILK}' then 'ליטר' end, case when gtin = '{MILK}' then 2 end,
    case when gtin = '{MILK}' then 'kg' end, case when gtin = '{MILK}' then 5 end,
    case when gtin = '{MILK}' then 'name' end
from chain, product
"""


def test_a_new_package_finds_every_content_again_and_writes_only_what_differs(database_url: str) -> None:
    migrate(database_url)
    run(database_url, *KNOWN.split(";"), OLDER)

    migrate(database_url)

    contents = "select base_unit, base_quantity, content_source, no_content_reason from chain_product"
    assert ask(database_url, f"{contents} order by product_key") == [
        *[("l", 2, "fields", None)] * 2,
        *[(None, None, None, "no_content")] * 2,
    ]
    written = ask(database_url, WRITTEN)
    run(database_url, OLDER)
    migrate(database_url)
    assert ask(database_url, WRITTEN) == written


def test_contents_stay_while_the_package_is_the_same(database_url: str) -> None:
    migrate(database_url)
    run(database_url, *KNOWN.split(";"))

    migrate(database_url)

    assert ask(database_url, "select distinct base_quantity from chain_product where base_unit = 'kg'") == [
        (5,)
    ]
