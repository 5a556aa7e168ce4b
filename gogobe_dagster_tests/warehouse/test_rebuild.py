"""Rebuilt from the lake, every table is what it was, also after damage, a kill, and beside a loader."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.warehouse.history.retention_watermark import lock_history
from gogobe_dagster.warehouse.load.store_keys import lock_stores
from gogobe_dagster.warehouse.load.store_numbers import StoreIdentity
from gogobe_dagster.warehouse.maintenance.rebuild import REBUILDERS, Rebuilt, Scope
from gogobe_dagster.warehouse.schema.columns import metadata
from gogobe_dagster_tests.warehouse.making import CHAIN, FEED, NOON
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    AnyFile,
    Market,
    PriceFile,
    PriceRow,
    StoreList,
)

pytestmark = pytest.mark.slow

OTHER = "7290027600007"
DAMAGE = """
update price_current set price = 99, valid_from = now() where store_key % 2 = 0;
delete from price_current where product_key % 2 = 0;
update price_current set price = price + 1 where product_key % 2 = 1;
delete from price_past;
insert into price_current (store_key, product_key, price, valid_from, file_id)
    select store_key, 3, 1, now(), 1 from store where store_id < 4 on conflict do nothing;
update chain_product set name = 'תקול', code = '0', attributes_as_of = '2099-01-01';
insert into product (chain_id, code) select chain_id, 'made up' from chain limit 1;
insert into chain_product (chain_id, product_key, attributes_as_of, code)
    select chain_id, product_key, '2026-01-01', 'x' from product where code = 'made up';
update store set name = 'תקול', is_listed = not is_listed, list_file_id = null, last_price_at = now(),
    first_seen_at = '2020-01-01', last_seen_at = '2099-01-01', last_full_price_at = null;
update chain set name = 'תקול', list_file_id = null;
update sub_chain set name = 'תקול';
update promotion set description = 'תקול', starts_at = now(), ends_at = now(), invalid_item_codes = '{x}';
update promotion_offer set discounted_price = 1, remarks = 'תקול' where offer_number = 1;
delete from promotion_item where product_key % 2 = 0;
insert into promotion_item (promotion_key, offer_number, product_key, is_gift) values (1, 1, 99, false);
update promotion_store set promotion_key = 1 where valid_to is null;
delete from promotion_store where valid_to is not null;
insert into promotion_store (store_key, promotion_id, valid_from, promotion_key, file_id)
    select store_key, 'made up', now(), 1, 1 from store where store_id < 3;
update store set last_promotion_at = '2020-01-01', last_full_promotion_at = null
"""
REBUILDER = """
import sys
from gogobe_dagster_tests.warehouse.warehouse_harness import Market
from gogobe_dagster_tests.warehouse.test_rebuild import rebuilt
from gogobe_dagster.warehouse.schema.migrate import connect
url, folder = sys.argv[1:]
print("ready", flush=True)
rebuilt(Market.at(connect(url), folder), tell=lambda what: print(what, flush=True))
"""


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def rebuilt(market: Market, tell: Any = lambda _: None, **scope: Any) -> list[Rebuilt]:
    return [
        rebuild(market.engine, market.lake, Scope(**scope), now=NOON, tell=tell)
        for rebuild in REBUILDERS.values()
    ]


def loaded(market: Market) -> Market:
    """Two chains; fulls, deltas, a late file, a damaged one, names, a store that leaves its list."""
    market.load_lists(
        market.publish(
            StoreList(1, {(1, 1): "תלפיות", (1, 2): "מלחה", (1, 9): "נטוש"}),
            StoreList(30, {(1, 1): "תלפיות"}),
        )
    )
    for store in (1, 2):
        market.open(
            PriceFile(2, {MILK: "5", BREAD: "10", "120": "3"}, is_full=True, store=store),
            PriceFile(26, {MILK: "6", EGGS: "14"}, is_full=True, store=store),
            PriceFile(24 * 9, {MILK: "6", BREAD: "11"}, store=store),
        )
    market.open(PriceFile(5, [PriceRow(MILK, "5.5", is_barcode=True, name="חלב")], store=1))
    market.open(PriceFile(27, {BREAD: "9"}, is_full=True, is_damaged=True, store=1))
    market.open(PriceFile(3, {MILK: "5", BREAD: "8"}, is_full=True, store=3, chain=OTHER))
    offer(market)
    return market


def offer(market: Market) -> None:
    """Promotions of four stores: of two contents, ended, late, damaged, in two chains."""
    milk, cheaper = Offer("11", [MILK], gifts=[EGGS]), Offer("11", [MILK], price="9")
    bread = [Offer("12", [BREAD, "120"]), Offer("12", [BREAD, ""], group=2, description="לחם")]
    for store in (1, 2):
        market.offer(
            PromotionFile(2, [milk, *bread], is_full=True, store=store),
            PromotionFile(26, [cheaper], is_full=True, store=store),
            PromotionFile(28, [milk, Offer("13")], store=store),
        )
    market.offer(PromotionFile(1.5, [cheaper], store=1))
    market.offer(PromotionFile(29, bread, is_full=True, is_damaged=True, store=1))
    market.offer(PromotionFile(3, [milk], is_full=True, store=3, chain=OTHER))
    market.offer(PromotionFile(40, [cheaper], is_full=True, store=4))


def tables(market: Market) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table; `parts` of history by their own names."""
    return {
        name: market.ask(
            f"select * from {name} order by {', '.join(column.name for column in table.primary_key)}"
        )
        for name, table in metadata.tables.items()
        if name != "statistics_due"  # what to find again, which a rebuild adds to
    }


def test_every_table_is_the_same_afterwards(market: Market) -> None:
    before = tables(loaded(market))

    lists, prices, promotions = rebuilt(market)

    assert tables(market) == before
    assert (lists.files, prices.files, prices.stores) == (2, 9, 3)
    assert (promotions.files, promotions.stores) == (10, 4)
    assert [*lists.missing, *prices.missing, *promotions.missing] == []


def test_damage_is_undone(market: Market) -> None:
    before = tables(loaded(market))
    with market.engine.begin() as connection:
        for statement in DAMAGE.split(";\n"):
            assert connection.execute(sa.text(statement)).rowcount, statement
    damaged = tables(market)
    found = {"product_statistics", "statistics_progress", "index_product", "price_index", "chain_discount"}
    ledger = {"file", "archived_file", "file_event", "reject", "listing", "portal_probe", "portal_pause"}
    found |= {"watch", "watch_price", "product_match"}
    never_damaged = ledger | found | {"store_number", "retention_watermark", "schema_fingerprint", "locality"}
    assert {name for name in before if damaged[name] == before[name]} == never_damaged

    rebuilt(market)

    before["product"] = damaged["product"]  # nothing is ever deleted from it
    assert tables(market) == before


def test_a_store_alone_is_rebuilt_and_the_others_are_left_alone(market: Market) -> None:
    loaded(market)
    before = market.everything()
    with market.engine.begin() as connection:
        connection.execute(sa.text("update price_current set price = 99"))

    rebuilt(market, chain_ids=[CHAIN], store_ids=[1])

    ours = [row for row in before[0] if row[2] == 1]
    after = market.everything()
    assert [row for row in after[0] if row[2] == 1] == ours
    assert {row[4] for row in after[0] if row[2] != 1} == {99}
    assert after[3] == before[3]  # names are of the whole chain


def test_a_feed_takes_its_stores_whole_whoever_published_about_them(market: Market) -> None:
    loaded(market)
    market.open(PriceFile(40, {MILK: "4"}, store=1), feed="keshet")
    market.offer(PromotionFile(41, [Offer("14", [MILK])], store=2), feed="keshet")
    before = tables(market)
    with market.engine.begin() as connection:
        connection.execute(sa.text("update price_current set price = 99"))

    _, prices, promotions = rebuilt(market, feeds=["keshet"])

    assert (prices.stores, promotions.stores, promotions.files) == (1, 1, 4)
    wrong = (
        "select distinct store_id from price_current join store using (store_key) where price = 99 order by 1"
    )
    assert market.ask(wrong) == [(2,), (3,)]
    rebuilt(market)
    assert tables(market) == before


def test_only_since_a_day_the_history_before_stays(market: Market) -> None:
    loaded(market)
    before = tables(market)
    with market.engine.begin() as connection:
        connection.execute(sa.text("update price_past set price = 99 where valid_from > '2026-11-25'"))
        connection.execute(sa.text("delete from promotion_store where valid_from > '2026-11-24'"))

    _, prices, promotions = rebuilt(market, since=NOON.replace(hour=20))

    assert (prices.files, promotions.files) == (5, 6)
    assert tables(market) == before


def test_a_rebuild_that_waits_for_a_store_does_not_hold_up_who_removes_the_past(market: Market) -> None:
    loaded(market)
    with market.engine.connect() as load, ThreadPoolExecutor(1) as pool:
        lock_stores(load, {StoreIdentity(CHAIN, 1, store) for store in (1, 2, 3)})
        scope, rebuild = Scope(since=NOON.replace(hour=20)), REBUILDERS[Document.PRICES]
        rebuilding = pool.submit(rebuild, market.engine, market.lake, scope, now=NOON, tell=str)
        with pytest.raises(TimeoutError):
            rebuilding.result(timeout=0.5)
        with market.engine.begin() as retention:
            retention.execute(sa.text("set local lock_timeout = '1s'"))
            lock_history(retention)
        load.rollback()
        rebuilding.result()


def test_a_store_without_its_lake_files_is_told_and_left_as_it_is(market: Market, tmp_path: Path) -> None:
    market.open(PriceFile(2, {MILK: "5"}, store=1))
    market.offer(PromotionFile(2, [Offer("11", [MILK])], store=1))
    prices = market.publish(PriceFile(2, {MILK: "5"}, store=2))
    promotions = market.publish(PromotionFile(2, [Offer("11", [MILK])], store=2))
    market.load_all([*prices, *promotions])
    lost = [str(item.lake_path) for item in (*prices, *promotions)]
    for path in lost:
        (tmp_path / path).unlink()
    before = tables(market)

    _, *done = rebuilt(market)

    for rebuilding, path in zip(done, lost, strict=True):
        (missing,) = rebuilding.missing
        assert (rebuilding.stores, missing.code) == (1, "lake_file_missing")
        assert missing.what.endswith("store 2")
        assert path in missing.reason
    assert tables(market) == before


def test_lists_without_their_lake_file_are_left_as_they_are(market: Market, tmp_path: Path) -> None:
    (lost,) = market.publish(StoreList(1, {(1, 1): "תלפיות"}))
    market.load_lists([lost])
    (tmp_path / str(lost.lake_path)).unlink()
    before = tables(market)

    lists, _, _ = rebuilt(market)

    assert [item.what for item in lists.missing] == [f"store lists of chain {CHAIN}"]
    assert tables(market) == before


def test_a_rebuild_killed_half_way_leaves_whole_stores_and_is_done_again(
    market: Market, warehouse_url: str, tmp_path: Path
) -> None:
    before = tables(loaded(market))
    with market.engine.begin() as connection:
        connection.execute(sa.text("update price_current set price = 99"))
    command = [sys.executable, "-c", REBUILDER, warehouse_url, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as rebuilder:
        assert rebuilder.stdout is not None
        while not rebuilder.stdout.readline().startswith("chain"):
            pass
        rebuilder.send_signal(signal.SIGKILL)

    by_store = "select count(*), count(distinct price = 99) from price_current group by store_key"
    assert {kinds for _, kinds in market.ask(by_store)} == {1}, "a store is wrong or right, never half"
    time.sleep(0.2)
    rebuilt(market)
    assert tables(market) == before


def test_a_loader_at_the_same_time_ends_in_the_same_tables(market: Market) -> None:
    loaded(market)
    hours = [(hour, store) for hour in range(1, 7) for store in (1, 2)]
    more: list[AnyFile] = [PriceFile(50 + hour, {MILK: f"{hour}"}, store=store) for hour, store in hours]
    more += [
        PromotionFile(50 + hour, [Offer("11", [MILK], price=f"{hour}")], store=store) for hour, store in hours
    ]
    expected = _expected(market, more)
    published = market.publish(*more)

    def load_each() -> None:
        for publication in published:
            market.load_all([publication])

    with ThreadPoolExecutor(2) as pool:
        loading = pool.submit(load_each)
        rebuilding = [pool.submit(rebuilt, market) for _ in range(3)]
        loading.result()
        assert [item.missing for some in rebuilding for item in some.result()] == [[]] * 9

    assert market.everything() == expected


def _expected(market: Market, more: list[AnyFile]) -> list[list[tuple[Any, ...]]]:
    market.load_all(market.publish(*more))
    expected = market.everything()
    market.forget()
    loaded(market)
    assert market.ledger.pending(FEED) == []
    return expected
