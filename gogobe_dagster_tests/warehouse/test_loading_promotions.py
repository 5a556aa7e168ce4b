"""The rules of meaning that promotion files must keep, by their numbers, on real tables."""

from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster_tests.warehouse.making import CHAIN, NOON
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    FILE_STATES,
    MILK,
    STORES_NOW,
    TOMATO,
    Market,
    PriceFile,
)

VICTORY = "7290696200003"
MILK_OFFER, BREAD_OFFER = Offer("11", [MILK]), Offer("12", [BREAD])
CHEAPER = Offer("11", [MILK], price="9")


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def content(*offers: Offer) -> str:
    """The hash of the content that these offers of one promotion are."""
    return PromotionFile(0, offers).hash_of(offers[0].promotion_id)


MILK_CONTENT, CHEAPER_CONTENT, BREAD_CONTENT = content(MILK_OFFER), content(CHEAPER), content(BREAD_OFFER)


def test_a_file_makes_chain_store_products_and_content(market: Market) -> None:
    offers = [Offer("11", [MILK, TOMATO], gifts=[EGGS]), Offer("13", [], description="5% על כל הסל")]

    report = market.offer(PromotionFile(5, offers, is_full=True))

    assert (report.files, report.rows, report.inserted, report.new_stores) == (1, 2, 2, 1)
    assert (report.new_products, report.new_promotions) == (3, 2)
    items = (
        "select promotion_id, gtin, p.code, is_gift from promotion join promotion_offer using (promotion_key)"
    )
    joins = (
        "left join promotion_item using (promotion_key, offer_number) left join product p using (product_key)"
    )
    assert market.ask(f"{items} {joins} order by 1, 4, 2") == [
        ("11", MILK, None, False),
        ("11", None, TOMATO, False),
        ("11", EGGS, None, True),
        ("13", None, None, None),
    ]


def test_rule_7_a_promotion_is_stored_once_however_many_stores_carry_it(market: Market) -> None:
    files = [PromotionFile(5, [MILK_OFFER, BREAD_OFFER], is_full=True, store=store) for store in range(1, 9)]
    report = market.offer(*files)
    again = market.offer(
        *(PromotionFile(29, [MILK_OFFER], is_full=True, store=store) for store in range(1, 9))
    )

    assert (report.new_promotions, report.inserted) == (2, 16)
    assert (again.new_promotions, again.inserted, again.changed, again.ended) == (0, 0, 0, 8)
    counts = [market.ask(f"select count(*) from {table}") for table in ("promotion", "promotion_item")]
    assert counts == [[(2,)], [(2,)]]


def test_rule_7_one_content_in_two_chains_is_two_promotions(market: Market) -> None:
    market.offer(PromotionFile(5, [MILK_OFFER]))
    market.offer(PromotionFile(5, [MILK_OFFER], chain=VICTORY), feed="victory")
    assert market.ask("select chain_id, promotion_id from promotion order by 1") == [
        (CHAIN, "11"),
        (VICTORY, "11"),
    ]


def test_rule_7_offers_are_numbered_by_what_they_say_not_by_where_a_file_has_them(market: Market) -> None:
    offers = [Offer("11", [MILK], group=2), Offer("11", [BREAD], group=1, price="7")]
    market.offer(PromotionFile(5, offers))
    market.offer(PromotionFile(6, offers[::-1], store=2))
    numbered = "select offer_number, group_id, discounted_price from promotion_offer order by 1"
    assert market.ask(numbered) == [(1, 1, 7), (2, 2, 10)]


def test_rule_5_full_replaces_and_delta_adds(market: Market) -> None:
    market.offer(PromotionFile(5, [MILK_OFFER, BREAD_OFFER], is_full=True))
    delta = market.offer(PromotionFile(6, [CHEAPER]))
    assert (delta.inserted, delta.changed, delta.ended) == (0, 1, 0)
    assert market.promotion_periods("11") == [(MILK_CONTENT, 5, 6), (CHEAPER_CONTENT, 6, None)]
    assert market.offer(PromotionFile(7, [CHEAPER], is_full=True)).ended == 1
    assert market.promotion_periods("12") == [(BREAD_CONTENT, 5, 7)]


@pytest.mark.parametrize(
    "useless",
    [PromotionFile(7, [], is_full=True), PromotionFile(7, [CHEAPER], is_full=True, is_damaged=True)],
)
def test_rule_5_an_empty_or_damaged_full_file_ends_nothing(market: Market, useless: PromotionFile) -> None:
    market.offer(PromotionFile(5, [MILK_OFFER, BREAD_OFFER], is_full=True))
    market.offer(useless)
    assert market.promotion_periods("12") == [(BREAD_CONTENT, 5, None)]


def test_rule_3_a_late_delta_is_merged_where_it_belongs(market: Market) -> None:
    market.offer(PromotionFile(5, [MILK_OFFER], is_full=True), PromotionFile(10, [MILK_OFFER]))
    market.offer(PromotionFile(8, [CHEAPER]))
    expected = [(MILK_CONTENT, 5, 8), (CHEAPER_CONTENT, 8, 10), (MILK_CONTENT, 10, None)]
    assert market.promotion_periods("11") == expected


def test_rule_3_a_late_full_file_ends_only_until_the_promotion_is_stated_again(market: Market) -> None:
    market.offer(PromotionFile(5, [MILK_OFFER, BREAD_OFFER], is_full=True), PromotionFile(10, [BREAD_OFFER]))
    market.offer(PromotionFile(8, [MILK_OFFER], is_full=True))
    assert market.promotion_periods("12") == [(BREAD_CONTENT, 5, 8), (BREAD_CONTENT, 10, None)]


def test_rule_3_newer_prices_make_no_promotion_late_and_the_other_way_round(market: Market) -> None:
    market.open(PriceFile(9, {MILK: "7"}, is_full=True))
    market.offer(PromotionFile(5, [MILK_OFFER], is_full=True), PromotionFile(6, [CHEAPER]))
    market.open(PriceFile(4, {MILK: "8"}, is_full=True))
    assert market.history(MILK) == [("8", 4, 9), ("7", 9, None)]
    (store,) = market.ask(STORES_NOW)
    hours = [at.astimezone(NOON.tzinfo).hour for at in (*store[8:12], *store[14:16])]
    assert hours == [4, 9, 9, 9, 6, 5]


def test_rule_2_loading_again_changes_nothing(market: Market) -> None:
    files = market.publish(PromotionFile(5, [MILK_OFFER], is_full=True), PromotionFile(6, [CHEAPER]))
    market.load_promotions(files)
    before = market.everything(), market.ask("select count(*) from file_event")
    assert market.load_promotions(files).files == 0
    assert (market.everything(), market.ask("select count(*) from file_event")) == before


def test_rule_1_every_offer_is_loaded_or_refused_and_every_unusable_item_is_told(market: Market) -> None:
    offers = [Offer("9" * 65, [MILK]), Offer("11", [MILK, f"0{MILK}", "8" * 65, ""]), Offer("12", [BREAD])]
    files = [PromotionFile(5, offers, store=store) for store in (1, 2)]

    report = market.offer(*files)

    assert (report.rows, report.inserted) == (4, 4)
    fates = [fate[2:] for fate in market.ask(FILE_STATES)]
    assert fates == [("loaded", 1, {"promotion_id_unusable": 1, "item_code_unusable": 2})] * 2
    samples = market.ask("select row_number, reason, sample from reject where file_id = 2 order by 1, 3")
    assert samples == [
        (1, "promotion_id_unusable", "9" * 65),
        (2, "item_code_unusable", "11 (empty)"),
        (2, "item_code_unusable", f"11 {'8' * 65}"),
    ]
    # with and without its zero, the milk is one product
    assert market.ask("select count(*) from promotion_item") == [(2,)]


def test_rule_1_of_two_contents_of_a_promotion_in_a_file_the_last_one_holds(market: Market) -> None:
    first = Offer("11", [MILK], other={"content_hash": "0" * 32})
    report = market.offer(PromotionFile(5, [first, CHEAPER]))
    assert report.rows == 1
    assert market.ask(FILE_STATES)[0][2:] == ("loaded", 1, {"promotion_repeated": 1})
    assert market.ask("select discounted_price from promotion_offer") == [(9,)]


def test_rule_9_terms_are_exact_and_nul_is_no_text(market: Market) -> None:
    offer = Offer("11", [MILK], price="9999999999.9999", min_quantity="0.0001", description="חצי\0 מחיר")
    market.offer(PromotionFile(5, [offer]))
    exact = "select discounted_price, min_quantity, description from promotion_offer"
    assert market.ask(exact) == [(Decimal("9999999999.9999"), Decimal("0.0001"), "חצי מחיר")]


def test_no_row_about_promotions_is_an_orphan(market: Market) -> None:
    market.offer(
        PromotionFile(5, [MILK_OFFER, BREAD_OFFER], is_full=True), PromotionFile(6, [CHEAPER], store=2)
    )
    orphans = """
        select count(*) from promotion_store s left join store using (store_key)
        left join file using (file_id)
        left join promotion p using (promotion_key)
        where store is null or file is null or p.promotion_id is distinct from s.promotion_id
        or p.chain_id <> store.chain_id
    """
    assert market.ask(orphans) == [(0,)]
    items = """
        select count(*) from promotion_item left join promotion_offer o using (promotion_key, offer_number)
        left join product using (product_key) where o is null or product is null
    """
    assert market.ask(items) == [(0,)]
