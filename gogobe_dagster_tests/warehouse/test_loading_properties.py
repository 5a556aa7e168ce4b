"""Rule 2: kills and company end in the same tables. Any order, batching and repetition is `test_rules`."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.load.price_load import PriceLoad
from gogobe_dagster_tests.warehouse.making import FEED, NOON, parsed, sighting
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    AnyFile,
    Market,
    PriceFile,
    StoreList,
)

pytestmark = pytest.mark.slow

LOADER = """
import sys

from gogobe_dagster.warehouse.schema.migrate import connect
from gogobe_dagster_tests.warehouse.warehouse_harness import Market
from gogobe_dagster_tests.warehouse.making import FEED
url, folder = sys.argv[1:]
market = Market.at(connect(url), folder)
print("ready", flush=True)
market.load_all(market.ledger.pending(FEED), rows_at_once=600)
"""


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def a_day(seed: int = 1) -> list[AnyFile]:
    """Full files and deltas of prices and promotions of four stores, some in another month."""
    return [*prices_of_a_day(seed), *promotions_of_a_day(seed)]


def prices_of_a_day(seed: int) -> list[PriceFile]:
    draw = random.Random(seed)
    codes = [f"{number}" for number in range(1000, 1300)]
    return [
        PriceFile(
            hours=hour + draw.random() / 2,
            price_rows={
                code: f"{draw.randint(1, 3)}" for code in draw.sample(codes, 280 if hour in {2, 240} else 60)
            },
            is_full=hour in {2, 240},
            store=store,
        )
        for store in range(1, 5)
        for hour in (2, 5, 8, 11, 240, 243)
    ]


def promotions_of_a_day(seed: int) -> list[PromotionFile]:
    """The same promotions in all stores, each with some products that no price file has."""
    draw = random.Random(seed)
    offers = [
        Offer(f"{number}", [f"{code}" for code in draw.sample(range(1200, 1400), 20)], price=price)
        for number in range(60)
        for price in ("9", "10", "11")
    ]
    return [
        PromotionFile(
            hours=hour + draw.random() / 2,
            offers=[offers[3 * number + draw.randrange(3)] for number in draw.sample(range(60), 50)],
            is_full=hour in {3, 241},
            store=store,
        )
        for store in range(1, 5)
        for hour in (3, 6, 241)
    ]


def expected_of(market: Market, files: Sequence[AnyFile]) -> list[list[tuple[Any, ...]]]:
    market.load_all(market.publish(*files))
    expected = market.everything()
    market.forget()
    return expected


def test_rule_2_a_loader_killed_at_any_moment_leaves_nothing_half_done(
    market: Market, warehouse_url: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    files = a_day()
    expected = expected_of(market, files)
    market.publish(*files)
    draw = random.Random(2)
    left_by_kills = []

    for commits in (0, 1, 1, 2) * (10 if pytestconfig.getoption("--long") else 1):
        left = len(market.ledger.pending(FEED))
        with subprocess.Popen(
            [sys.executable, "-c", LOADER, warehouse_url, str(tmp_path)], stdout=subprocess.PIPE
        ) as loader:
            assert loader.stdout is not None
            assert loader.stdout.readline() == b"ready\n"
            while commits and len(market.ledger.pending(FEED)) > left - commits and loader.poll() is None:
                time.sleep(0.002)
            time.sleep(draw.random() * 0.05)
            loader.send_signal(signal.SIGKILL)
        wait_for_others_to_leave(market)
        left_by_kills.append(len(market.ledger.pending(FEED)))
    market.load_all(market.ledger.pending(FEED))

    assert any(0 < left < len(files) for left in left_by_kills), left_by_kills
    assert market.everything() == expected


def wait_for_others_to_leave(market: Market) -> None:
    """A backend notices only after its statement that its client is gone."""
    others = (
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    )
    market.engine.dispose()
    while market.ask(others) != [(0,)]:
        time.sleep(0.02)


@pytest.mark.parametrize("seed", [3, 4])
def test_loaders_at_the_same_time_share_the_work_and_never_deadlock(market: Market, seed: int) -> None:
    files = a_day(seed)
    lists = [StoreList(hours, {(1, store): f"{hours}" for store in range(1, 6)}) for hours in range(6)]
    market.load_lists(market.publish(*lists))
    expected = expected_of(market, files)
    published, listed = market.publish(*files), market.publish(*lists)
    draw = random.Random(seed)
    orders = [draw.sample(published, len(published)) for _ in range(3)]

    def load(order: list[LedgerFile]) -> int:
        parts = [order[i : i + 8] for i in range(0, len(order), 8)]
        return sum(market.load_all(some, rows_at_once=2000) for some in parts)

    with ThreadPoolExecutor(4) as pool:
        in_lists = pool.submit(lambda: sum(market.load_lists([entry]).files for entry in listed))
        loaded = list(pool.map(load, orders))

    assert (sum(loaded), in_lists.result()) == (len(files), len(lists))
    assert market.everything() == expected


def test_a_loader_does_not_wait_for_what_another_one_makes_of_the_same_new_products(market: Market) -> None:
    ours, theirs = market.publish(
        PriceFile(5, {MILK: "7", BREAD: "9"}),
        PriceFile(5, {BREAD: "9", EGGS: "14"}, chain="7290696200003", store=2),
    )
    load = PriceLoad(market.lake, now=NOON, rows_at_once=1000)
    with market.engine.connect() as connection, ThreadPoolExecutor(1) as pool:
        load.load(connection, [ours.id], wait=False)
        assert pool.submit(market.load, [theirs]).result(timeout=20).new_products == 1
        connection.commit()
    sold = "select gtin, count(*) from price_current join product using (product_key) group by 1 order by 1"
    assert market.ask(sold) == [(MILK, 1), (BREAD, 2), (EGGS, 1)]


def test_files_that_a_listing_touches_meanwhile_are_awaited(market: Market) -> None:
    published = market.publish(*prices_of_a_day(1))
    with ThreadPoolExecutor(1) as pool:
        with market.engine.begin() as listing:
            listing.execute(sa.text("update file set last_seen_at = now()"))
            load = pool.submit(market.load, published)
            time.sleep(0.5)
            assert not load.done()
        assert load.result().files == len(published)


def test_a_listing_and_a_report_of_the_same_files_never_deadlock(market: Market) -> None:
    seen = [sighting(hours=hour / 100) for hour in range(200)]
    market.ledger.record(FEED, seen, now=NOON)
    ids = [known.id for known in market.ledger.pending(FEED)]
    with market.engine.begin() as connection:
        connection.execute(sa.text("update file set state = 'downloaded'"))
    draw = random.Random(5)

    def list_again(_: int) -> None:
        market.ledger.record(FEED, draw.sample(seen, len(seen)), now=NOON)

    def report_again(_: int) -> None:
        market.ledger.mark_parsed([parsed(file_id) for file_id in draw.sample(ids, len(ids))], now=NOON)

    with ThreadPoolExecutor(2) as pool:
        reports = pool.map(report_again, range(8))
        for turn in range(8):
            list_again(turn)
        list(reports)


def test_no_price_is_an_orphan(market: Market) -> None:
    market.load(market.publish(*prices_of_a_day(1)))
    for table in ("price_current", "price_history"):
        orphans = f"""
            select count(*) from {table} left join store using (store_key)
            left join product using (product_key) left join file using (file_id)
            where store is null or product is null or file is null
        """
        assert market.ask(orphans) == [(0,)]
