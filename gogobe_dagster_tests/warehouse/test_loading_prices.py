"""The rules of meaning that price files must keep, by their numbers, on real tables."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster.parsing.model import PRODUCT_TEXT
from gogobe_dagster.warehouse.load import product_attributes
from gogobe_dagster.warehouse.load.product_keys import SPELLING
from gogobe_dagster.warehouse.load.product_text_lookup import ProductTextLookup
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster_tests.warehouse.making import CHAIN, NOON, TODAY
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    ATTRIBUTES,
    BREAD,
    EGGS,
    FILE_STATES,
    MILK,
    STORES_NOW,
    TOMATO,
    Market,
    PriceFile,
    PriceRow,
)

VICTORY = "7290696200003"


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def test_a_file_that_names_unknown_chain_store_and_product_creates_them(market: Market) -> None:
    report = market.open(PriceFile(5, {MILK: "7.10", TOMATO: "5"}, is_full=True))

    assert (report.files, report.rows, report.inserted, report.new_products, report.new_stores) == (
        1,
        2,
        2,
        2,
        1,
    )
    assert market.prices() == {MILK: Decimal("7.1"), TOMATO: 5}
    (store,) = market.ask(STORES_NOW)
    assert (store[:3], store[6]) == ((CHAIN, 1, 1), False)
    assert market.ask("select gtin, code from product order by gtin") == [(MILK, None), (None, TOMATO)]


def test_rule_1_every_row_is_loaded_or_refused_with_reason_and_sample(market: Market) -> None:
    price_rows = [
        PriceRow(MILK, "7.10", is_barcode=True, article="1"),
        PriceRow(MILK, "7.20", is_barcode=True, article="2"),
        PriceRow("9" * 65, "1", name="no code at all"),
        PriceRow(BREAD, "9", is_barcode=True),
    ]
    report = market.open(PriceFile(5, price_rows, is_full=True))

    assert report.rows == 2
    assert market.prices() == {MILK: Decimal("7.2"), BREAD: 9}
    (fate,) = market.ask(FILE_STATES)
    assert fate[2:] == ("loaded", 2, {"product_repeated": 1, "code_unusable": 1})
    assert market.ask("select row_number, reason, stage, sample from reject order by 1") == [
        (1, "product_repeated", "load", f"{MILK}  7.1000"),
        (3, "code_unusable", "load", f"{'9' * 65} no code at all 1.0000"),
    ]


def test_rule_2_loading_again_changes_nothing(market: Market) -> None:
    files = market.publish(PriceFile(5, {MILK: "7.10"}, is_full=True), PriceFile(6, {MILK: "7"}))
    market.load(files)
    before = market.everything(), market.ask("select count(*) from file_event")

    again = market.load(files)

    assert (again.files, again.rows) == (0, 0)
    assert (market.everything(), market.ask("select count(*) from file_event")) == before


def test_rule_2_a_file_is_loaded_together_with_its_rows(market: Market) -> None:
    (known,) = market.publish(PriceFile(5, {MILK: "7.10"}, is_full=True))
    market.load([known])
    (loaded,) = market.ledger.files([known.id])
    assert loaded.state is FileState.LOADED
    assert market.ask("select state from file_event order by event_id")[-1] == ("loaded",)


def test_rule_3_a_late_delta_is_merged_where_it_belongs(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "7.10", BREAD: "9"}, is_full=True), PriceFile(10, {MILK: "6"}))
    market.open(PriceFile(8, {MILK: "8"}))
    assert market.history(MILK) == [("7.1", 5, 8), ("8", 8, 10), ("6", 10, None)]
    assert market.history(BREAD) == [("9", 5, None)]
    assert market.prices() == {MILK: 6, BREAD: 9}


def test_rule_3_a_late_full_file_delists_only_until_the_product_is_stated_again(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "7", BREAD: "9", EGGS: "12"}, is_full=True), PriceFile(10, {BREAD: "9"}))
    market.open(PriceFile(8, {MILK: "7"}, is_full=True))
    assert market.history(BREAD) == [("9", 5, 8), ("9", 10, None)]
    assert market.history(EGGS) == [("12", 5, 8)]
    assert market.history(MILK) == [("7", 5, None)]
    assert market.prices() == {MILK: 7, BREAD: 9}


def test_rule_3_a_file_of_the_same_stamp_as_the_newest_is_merged_by_its_name(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "6"}))
    market.open(PriceFile(5, {MILK: "7", BREAD: "9"}, is_full=True))
    assert market.history(MILK) == [("6", 5, None)]  # at one stamp the delta comes after the full file
    assert market.history(BREAD) == [("9", 5, None)]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_rule_3_of_one_stamp_the_name_decides_whichever_was_seen_first(
    market: Market, *, is_reversed: bool
) -> None:
    twins = [PriceFile(5, {MILK: "7"}), PriceFile(5, {MILK: "6"}, variant="-b")]
    for item in twins[::-1] if is_reversed else twins:
        market.open(item)
    assert market.history(MILK) == [("6", 5, None)]


def test_rule_3_a_file_of_last_year_is_the_beginning_of_the_history(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "7"}, is_full=True))
    market.open(PriceFile(-24 * 365, {MILK: "6"}, is_full=True))
    assert market.history(MILK) == [("6", -24 * 365, 5), ("7", 5, None)]


def test_rule_4_an_unchanged_price_writes_nothing(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "7", BREAD: "9"}, is_full=True))
    report = market.open(PriceFile(6, {MILK: "7.00", BREAD: "8"}, is_full=True))
    assert (report.rows, report.inserted, report.changed, report.ended) == (2, 0, 1, 0)
    assert market.history(MILK) == [("7", 5, None)]
    assert market.history(BREAD) == [("9", 5, 6), ("8", 6, None)]


def test_rule_5_full_replaces_and_delta_adds(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "7", BREAD: "9"}, is_full=True))
    market.open(PriceFile(6, {EGGS: "12"}))
    assert market.prices() == {MILK: 7, BREAD: 9, EGGS: 12}
    report = market.open(PriceFile(7, {MILK: "7"}, is_full=True))
    assert report.ended == 2
    assert market.prices() == {MILK: 7}
    assert market.history(BREAD) == [("9", 5, 7)]


@pytest.mark.parametrize(
    "useless", [PriceFile(7, {}, is_full=True), PriceFile(7, {EGGS: "12"}, is_full=True, is_damaged=True)]
)
def test_rule_5_an_empty_or_damaged_full_file_delists_nothing(market: Market, useless: PriceFile) -> None:
    market.open(PriceFile(5, {MILK: "7", BREAD: "9"}, is_full=True))
    market.open(useless)
    assert market.prices().keys() >= {MILK, BREAD}


def test_rule_6_a_gtin_is_one_product_in_all_chains_and_an_own_code_is_not(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "7", TOMATO: "5"}, is_full=True))
    market.open(PriceFile(5, {MILK: "8", TOMATO: "6"}, is_full=True, chain=VICTORY, store=2), feed="victory")
    assert market.ask("select gtin, chain_id, code from product order by 1, 2") == [
        (MILK, None, None),
        (None, CHAIN, TOMATO),
        (None, VICTORY, TOMATO),
    ]


def test_rule_6_the_same_name_never_merges_products(market: Market) -> None:
    price_rows = [
        PriceRow(MILK, "7", is_barcode=True, name="חלב"),
        PriceRow(TOMATO, "5", is_barcode=False, name="חלב"),
    ]
    assert market.open(PriceFile(5, price_rows, is_full=True)).new_products == 2


def test_rule_8_the_store_of_the_content_holds_against_that_of_the_name(market: Market) -> None:
    # the ledger has the store of the document; the name had store 7999 (Yohananof, corpus)
    market.open(PriceFile(5, {MILK: "7"}, is_full=True, store=799))
    assert market.prices(store=799) == {MILK: 7}


@pytest.mark.parametrize("price", ["0", "-3.9", "0.0001", "25999.99", "9999999999.9999"])
def test_rule_9_money_is_exact(market: Market, price: str) -> None:
    price_row = PriceRow(
        MILK, price, published_unit_price=price, price_set_at=datetime(2026, 11, 1, 7, 30, 0, 123456, UTC)
    )
    market.open(PriceFile(5, [price_row], is_full=True))
    assert market.prices() == {MILK: Decimal(price)}
    (row,) = market.ask("select price, published_unit_price, price_set_at, valid_from from price_history")
    assert row == (Decimal(price), Decimal(price), price_row.price_set_at, NOON.replace(hour=5))


def test_the_fullest_statement_of_the_newest_day_describes_a_product(market: Market) -> None:
    plain, full = PriceRow(MILK, "7", name="חלב 3%"), PriceRow(MILK, "7", name="חלב", manufacturer="תנובה")
    market.open(PriceFile(5, [full], is_full=True), PriceFile(9, [plain], is_full=True, store=2))
    assert [row[2:6] for row in market.ask(ATTRIBUTES)] == [(TODAY, MILK, "חלב", "תנובה")]
    market.open(PriceFile(30, [plain], is_full=True))
    assert [row[4:6] for row in market.ask(ATTRIBUTES)] == [("חלב 3%", None)]


def test_words_that_another_load_alters_after_they_were_read_are_told_in_full(market: Market) -> None:
    milk = [PriceRow(MILK, "7", name="חלב", manufacturer="תנובה")]
    market.open(PriceFile(5, milk, is_full=True))
    files = market.publish(PriceFile(30, milk, is_full=True))
    wordings = ProductTextLookup(market.lake)
    with market.engine.connect() as connection:
        rows, _ = wordings.read(connection, files)
        with market.engine.begin() as other:
            other.execute(sa.text("update chain_product set name = 'אחר', attributes_hash = 0"))
        wordings.upsert(connection, rows)
        connection.commit()
    tomorrow = TODAY + timedelta(days=1)
    assert [row[2:6] for row in market.ask(ATTRIBUTES)] == [(tomorrow, MILK, "חלב", "תנובה")]


def test_a_republished_file_is_applied_after_the_first_of_its_name(market: Market) -> None:
    first, again = (
        PriceFile(5, {MILK: "7", BREAD: "9"}, is_full=True),
        PriceFile(5, {MILK: "6"}, is_full=True, revision_size=2000),
    )
    market.open(first)
    market.open(again)
    assert market.prices() == {MILK: 6}
    assert market.history(BREAD) == []  # of one stamp, so it was never sold for any time


def test_a_republished_delta_takes_back_what_its_first_revision_changed(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "7"}, is_full=True), PriceFile(8, {MILK: "6"}))
    assert market.history(MILK) == [("7", 5, 8), ("6", 8, None)]
    market.open(PriceFile(8, {MILK: "7"}, revision_size=2000))
    assert market.history(MILK) == [("7", 5, None)]


def test_stores_remember_their_newest_files(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "7"}, is_full=True), PriceFile(9, {MILK: "8"}))
    market.open(PriceFile(7, {MILK: "7"}, is_full=True))
    (store,) = market.ask(STORES_NOW)
    assert [at.hour for at in (row.astimezone(NOON.tzinfo) for row in store[8:12])] == [5, 9, 9, 7]


def test_the_same_store_number_in_two_sub_chains_is_two_stores(market: Market) -> None:
    files = market.publish(PriceFile(5, {MILK: "7"}, is_full=True), PriceFile(6, {MILK: "8"}, is_full=True))
    with market.engine.begin() as connection:
        connection.execute(
            sa.text("update file set sub_chain_id = 2 where file_id = :id"), {"id": files[1].id}
        )
    market.load(market.ledger.files([file.id for file in files]))
    assert [row[:3] for row in market.ask(STORES_NOW)] == [(CHAIN, 1, 1), (CHAIN, 2, 1)]


def test_more_files_than_a_transaction_takes_are_loaded_in_several(market: Market) -> None:
    files = market.publish(*(PriceFile(hour / 60, {MILK: f"{hour}"}) for hour in range(1, 520)))
    report = market.load(files)
    assert (report.files, report.changed + report.inserted) == (519, 2)
    assert len(market.history(MILK)) == 519


def test_files_that_cannot_be_placed_never_reach_a_load(market: Market) -> None:
    market.publish(PriceFile(5, {MILK: "7"}))
    with pytest.raises(sa.exc.IntegrityError, match="parsed_is_placed"), market.engine.begin() as connection:
        connection.execute(sa.text("update file set store_id = null"))


def test_all_that_is_kept_of_a_products_words_is_in_their_hash() -> None:
    assert set(PRODUCT_TEXT) >= {*product_attributes.ATTRIBUTES, *SPELLING} - {"chain_id"}
