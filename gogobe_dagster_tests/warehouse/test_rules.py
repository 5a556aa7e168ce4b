"""The rules of meaning, by their numbers, on real tables: a test or more each, found by `-k rule_07`.

The same numbers stand in the names of the closer tests: of prices in `test_loading_prices`, of promotions in
`test_loading_promotions`, of kills and company in `test_loading_whatever_happens`. What reading owes to rules
7, 8 and 10, the same rows for every form of an offer and strictness, is tested with the readers.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import SCHEMAS
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster_tests.warehouse.making import CHAIN, FEED
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.reference_model import TABLES, Published, replay
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    TOMATO,
    AnyFile,
    Market,
    PriceFile,
    PriceRow,
    StoreList,
)

pytestmark = pytest.mark.slow

TWIN = "mishnat_yosef_worker"
"""A second feed with the same chain."""
HOURS = st.sampled_from([1, 2, 3, 26, 24 * 9])
CODES = [MILK, BREAD, TOMATO, f"0{MILK}"]
SHELVES = st.builds(
    PriceRow,
    code=st.sampled_from(CODES),
    price=st.sampled_from(["5", "6", "0", None]),
    published_unit_price=st.sampled_from([None, "0.5"]),
    is_barcode=st.just(value=True),
    name=st.sampled_from([None, "חלב", "לחם"]),
    manufacturer=st.sampled_from([None, "תנובה"]),
)
OFFERS = st.builds(
    Offer,
    promotion_id=st.sampled_from(["11", "12"]),
    items=st.lists(st.sampled_from([MILK, BREAD, TOMATO]), unique=True),
    price=st.sampled_from(["9", "10"]),
    group=st.sampled_from([1, 2]),
)
OF_A_STORE = {
    "hours": HOURS,
    "is_full": st.booleans(),
    "is_damaged": st.sampled_from([False, False, True]),
    "store": st.sampled_from([1, 2]),
    "variant": st.sampled_from(["", "-b"]),
}
FILES = st.one_of(
    st.builds(PriceFile, price_rows=st.lists(SHELVES, max_size=4), **OF_A_STORE),
    st.builds(
        PromotionFile,
        offers=st.lists(OFFERS, max_size=3, unique_by=lambda offer: (offer.promotion_id, offer.group)),
        **OF_A_STORE,
    ),
    st.builds(
        StoreList,
        hours=HOURS,
        names=st.dictionaries(st.sampled_from([(1, 1), (1, 2), (1, 3)]), st.sampled_from(["תלפיות", "מלחה"])),
        is_damaged=st.booleans(),
    ),
)
PUBLISHED = st.lists(
    st.builds(Published, feed=st.sampled_from([FEED, TWIN]), file=FILES),
    unique_by=lambda publication: publication.label,
    max_size=9,
)
# Every example empties the tables first. Shrinking on a database takes minutes; nine files are readable.
ON_TABLES = settings(
    deadline=None,
    max_examples=settings().max_examples // 5,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def publish(market: Market, published: Sequence[Published]) -> list[LedgerFile]:
    """Bring files of both feeds to the state parsed."""
    files: list[LedgerFile] = []
    for feed in (FEED, TWIN):
        some: list[AnyFile] = [publication.file for publication in published if publication.feed == feed]
        files += market.publish(*some, feed=feed)
    return files


def test_rule_01_every_row_of_every_file_is_in_the_tables_or_counted_with_its_reason(market: Market) -> None:
    price_rows = [
        PriceRow(MILK, "7", is_barcode=True),
        PriceRow("9" * 65, "1"),
        PriceRow(f"0{MILK}", "8", is_barcode=True),
    ]
    offers = [Offer("11", [MILK, "9" * 65]), Offer("1" * 65, [MILK])]
    market.load_all(
        market.publish(PriceFile(5, price_rows), PromotionFile(5, offers), StoreList(6, {(1, 1): "א"}))
    )

    fates = market.ask("select kind, state, rows, rows_skipped, reject_reasons from file order by kind")
    assert fates == [
        ("prices", "loaded", 3, 2, {"code_unusable": 1, "product_repeated": 1}),
        ("promotions", "loaded", 2, 1, {"promotion_id_unusable": 1, "item_code_unusable": 1}),
        ("stores", "loaded", 1, 0, {}),
    ]
    samples = market.ask("select kind, count(*) from reject join file using (file_id) group by 1 order by 1")
    assert samples == [("prices", 2), ("promotions", 2)]
    assert market.ask("select count(*) from file_event where state = 'loaded'") == [(3,)]


@pytest.mark.parametrize("document", [Document.PRICES, Document.PROMOTIONS, Document.STORES])
def test_rule_02_a_load_that_fails_at_its_last_step_has_done_nothing(
    market: Market, document: Document
) -> None:
    files = market.publish(
        PriceFile(5, {MILK: "7"}, is_full=True),
        PromotionFile(5, [Offer("11", [MILK])], is_full=True),
        StoreList(6, {(1, 1): "א"}),
    )
    some = [file for file in files if file.kind and file.kind.document is document]
    before = market.all_but_products()
    fail = "create function fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$"
    trigger = "create trigger fail before insert on file_event execute function fail()"
    with market.engine.begin() as connection:
        connection.execute(sa.text(fail))
        connection.execute(sa.text(trigger))
    with pytest.raises(sa.exc.DBAPIError, match="no"):
        market.load_all(some)
    with market.engine.begin() as connection:
        connection.execute(sa.text("drop function fail cascade"))
    assert market.all_but_products() == before

    market.load_all(files)
    after = market.everything()
    market.load_all(files)
    assert market.everything() == after


@ON_TABLES
@given(published=PUBLISHED, data=st.data())
def test_rule_03_any_order_batching_and_repetition_end_in_the_tables_of_a_replay(
    market: Market, published: list[Published], data: st.DataObject
) -> None:
    market.forget()
    files = publish(market, data.draw(st.permutations(published), label="as published"))
    order = data.draw(st.permutations(files), label="as loaded")
    while order:
        size = data.draw(st.integers(1, len(order)), label="batch")
        rows_at_once = data.draw(st.sampled_from([1, 3, 1000]), label="rows at once")
        market.load_all(order[:size], rows_at_once=rows_at_once)
        market.load_all(files[: data.draw(st.integers(0, 1), label="again")])
        order = order[size:]
    market.load_all(files)

    expected = replay(published)
    for table, query in TABLES.items():
        rows = market.ask(query)
        assert set(rows) == expected[table], table
        assert len(rows) == len(expected[table]), table


def test_rule_04_no_period_is_empty_and_no_two_neighbours_say_the_same(market: Market) -> None:
    prices = [
        PriceFile(hour, {MILK: "7" if hour % 3 else "6"}, is_full=hour % 2 == 0) for hour in range(1, 12)
    ]
    offers = [
        PromotionFile(hour, [Offer("11", [MILK], price="9" if hour % 3 else "8")], is_full=hour % 2 == 0)
        for hour in range(1, 12)
    ]
    for item in market.publish(*prices, *offers)[::-1]:
        market.load_all([item])

    for table, entity, tracked in (
        ("price_history", "product_key", "price, published_unit_price"),
        ("promotion_store", "promotion_id", "promotion_key"),
    ):
        neighbours = f"""
            select count(*) from {table} earlier join {table} later
            on (earlier.store_key, earlier.{entity}, earlier.valid_to)
                = (later.store_key, later.{entity}, later.valid_from)
            where (select row({tracked}) from (select earlier.*) x) is not distinct from
                (select row({tracked}) from (select later.*) x)
        """
        assert market.ask(neighbours) == [(0,)]
        assert market.ask(f"select count(*), count(valid_to) from {table}") == [(7, 6)]
        assert market.ask(f"select count(*) from {table} where valid_to <= valid_from") == [(0,)]


def test_rule_05_full_replaces_and_delta_adds(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "7", BREAD: "9"}, is_full=True), PriceFile(6, {EGGS: "12"}))
    market.offer(PromotionFile(5, [Offer("11"), Offer("12")], is_full=True), PromotionFile(6, [Offer("13")]))
    running = "select promotion_id from promotion_store where valid_to is null order by 1"
    assert (set(market.prices()), market.ask(running)) == ({MILK, BREAD, EGGS}, [("11",), ("12",), ("13",)])

    market.open(PriceFile(7, {MILK: "7"}, is_full=True))
    market.offer(PromotionFile(7, [Offer("12")], is_full=True))
    assert (set(market.prices()), market.ask(running)) == ({MILK}, [("12",)])


def test_rule_06_a_product_is_one_in_prices_and_promotions_of_all_chains_and_never_by_name(
    market: Market,
) -> None:
    names = [
        PriceRow(MILK, "7", is_barcode=True, name="חלב"),
        PriceRow(TOMATO, "7", is_barcode=False, name="חלב"),
    ]
    market.open(PriceFile(5, names))
    market.offer(PromotionFile(5, [Offer("11", [f"0{MILK}", TOMATO])]))
    other = PromotionFile(5, [Offer("11", [MILK, TOMATO])], chain="7290696200003", store=2)
    market.offer(other, feed="victory")
    assert market.ask("select gtin, chain_id, code from product order by 1, 2") == [
        (MILK, None, None),
        (None, CHAIN, TOMATO),
        (None, "7290696200003", TOMATO),
    ]


def test_rule_07_a_promotion_of_forty_stores_is_one_promotion_and_forty_short_rows(market: Market) -> None:
    offers = [Offer("11", [MILK, BREAD], gifts=[EGGS])]
    market.offer(*(PromotionFile(5, offers, is_full=True, store=store) for store in range(1, 41)))
    tables = ("promotion", "promotion_offer", "promotion_item", "promotion_store")
    counts = [market.ask(f"select count(*) from {table}")[0][0] for table in tables]
    assert counts == [1, 1, 3, 40]


def test_rule_08_the_store_that_the_content_names_holds_against_the_name(market: Market) -> None:
    # the ledger has the store of the document; the name had store 7999 (Yohananof, corpus)
    market.open(PriceFile(5, {MILK: "7"}, store=799))
    market.offer(PromotionFile(5, [Offer("11", [MILK])], store=799))
    assert market.ask("select store_id from store") == [(799,)]


def test_rule_09_no_column_of_the_tables_or_the_lake_is_a_float_or_a_time_without_zone(
    market: Market,
) -> None:
    inexact = """
        select table_name, column_name from information_schema.columns where table_schema = 'public'
        and data_type in ('real', 'double precision', 'money', 'timestamp without time zone')
    """
    assert market.ask(inexact) == []
    types = {str(field.type) for schema in SCHEMAS.values() for field in schema}
    assert not any("float" in name or "double" in name or name == "timestamp[us]" for name in types)
    assert "decimal128(14, 4)" in types
    market.offer(PromotionFile(5, [Offer("11", [MILK], price="0.1", min_quantity="0.3")]))
    exact = "select discounted_price + 0.2, min_quantity from promotion_offer"
    assert market.ask(exact) == [(Decimal("0.3"), Decimal("0.3"))]


def test_rule_10_what_the_tables_cannot_take_is_a_reject_with_a_reason_never_a_null(market: Market) -> None:
    nul = "7\0"
    market.load_all(
        market.publish(
            PriceFile(5, [PriceRow(nul, "7"), PriceRow("", "7")]),
            PromotionFile(5, [Offer(nul, [MILK]), Offer("", [MILK]), Offer("11", [nul, MILK])]),
        )
    )
    reasons = market.ask("select kind, reject_reasons from file order by kind")
    assert reasons == [
        ("prices", {"code_unusable": 2}),
        ("promotions", {"promotion_id_unusable": 2, "item_code_unusable": 1}),
    ]
    assert market.ask("select promotion_id from promotion") == [("11",)]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_rule_03_a_republished_file_holds_whichever_of_its_revisions_is_loaded_first(
    market: Market, *, is_reversed: bool
) -> None:
    first = PromotionFile(5, [Offer("11", [MILK]), Offer("12")], is_full=True)
    again = replace(first, offers=[Offer("11", [MILK], price="9")], revision_size=2000)
    files = [market.publish(first)[0], market.publish(again)[0]]
    for item in files[::-1] if is_reversed else files:
        market.load_promotions([item])
    assert market.promotion_periods("11") == [(again.hash_of("11"), 5, None)]
    assert market.promotion_periods("12") == []
