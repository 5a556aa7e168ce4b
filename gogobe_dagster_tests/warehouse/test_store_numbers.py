"""One store is one row, whichever of its files and lists state its sub-chain, in whatever order they come."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gogobe_dagster.warehouse.history.retention_watermark import LAKE, raise_watermark
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.maintenance.rebuild import REBUILDERS, Scope
from gogobe_dagster_tests.warehouse.making import NOON
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    MILK,
    AnyFile,
    Market,
    PriceFile,
    StoreList,
)

pytestmark = pytest.mark.slow

STORE = 5
OTHER = 99
"""Stands for the store of ambiguous files where every file states a sub-chain."""
LEDGER = "select name, sub_chain_id from file where kind <> 'stores' order by name"
NUMBERS = "select store_id, sub_chain_id, is_ambiguous, is_settled from store_number order by 1"
ON_TABLES = settings(
    deadline=None,
    max_examples=settings().max_examples // 4,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def store_list(*sub_chains: int, hours: float = 1, name: str = "סניף") -> StoreList:
    return StoreList(hours, {(sub_chain, STORE): name for sub_chain in sub_chains})


def prices(sub_chain: int, price: str, *, hours: float, is_full: bool = False) -> PriceFile:
    return PriceFile(hours, {MILK: price}, is_full=is_full, store=STORE, sub_chain=sub_chain)


def promotions(sub_chain: int, *, hours: float = 4) -> PromotionFile:
    return PromotionFile(hours, [Offer("11", [MILK])], store=STORE, sub_chain=sub_chain)


@pytest.mark.parametrize("order", permutations(range(4)))
def test_files_without_a_sub_chain_are_about_the_store_of_the_list(
    market: Market, order: Sequence[int]
) -> None:
    files = market.publish(
        store_list(1), prices(1, "9.90", hours=2, is_full=True), prices(0, "12.90", hours=3), promotions(0)
    )
    for position in order:
        market.load_all([files[position]])

    now = "select sub_chain_id, store_id, store_name, price from current_prices"
    assert market.ask(now) == [(1, STORE, "סניף", Decimal("12.9000"))]
    assert market.history(MILK, STORE) == [("9.9", 2, 3), ("12.9", 3, None)]
    assert market.ask("select distinct store_key from promotion_store") == market.ask(
        "select store_key from store"
    )
    coverage = "select listing_status, disagreements, other_sub_chains from store_coverage"
    assert market.ask(coverage) == [("listed", 2, 0)]


@pytest.mark.parametrize("order", permutations(range(4)))
def test_a_number_in_two_sub_chains_leaves_files_without_one_alone(
    market: Market, order: Sequence[int]
) -> None:
    files = market.publish(
        prices(1, "9.90", hours=2, is_full=True),
        prices(0, "12.90", hours=3),
        prices(2, "7", hours=4, is_full=True),
        store_list(1, 2, hours=5),
    )
    for position in order:
        market.load_all([files[position]])

    coverage = "select sub_chain_id, listing_status, other_sub_chains from store_coverage order by 1"
    assert market.ask(coverage) == [(0, "unknown", 2), (1, "listed", 2), (2, "listed", 2)]
    now = "select sub_chain_id, price from current_prices order by 1"
    assert market.ask(now) == [(0, Decimal("12.9")), (1, Decimal("9.9")), (2, Decimal(7))]


def test_sub_chain_0_of_a_whole_chain_is_kept(market: Market) -> None:
    # Hazi Hinam's list of 2025-08-21 has 13 stores, all in sub-chain 0
    market.load_all(market.publish(store_list(0), prices(0, "5", hours=2)))
    assert market.ask("select sub_chain_id, name from store") == [(0, "סניף")]


@pytest.mark.parametrize("order", permutations(range(3)))
def test_a_list_with_a_number_in_sub_chain_0_and_in_another_keeps_both(
    market: Market, order: Sequence[int]
) -> None:
    files = market.publish(store_list(0, 1), prices(0, "5", hours=2), prices(1, "6", hours=3, is_full=True))
    for position in order:
        market.load_all([files[position]])
    now = "select sub_chain_id, store_name, price from current_prices order by 1"
    assert market.ask(now) == [(0, "סניף", Decimal(5)), (1, "סניף", Decimal(6))]


def test_a_store_list_without_sub_chains_describes_the_store_of_the_price_files(market: Market) -> None:
    market.load_all(market.publish(store_list(0)))
    market.load_all(market.publish(prices(1, "5", hours=2), store_list(1, hours=3, name="חדש")))
    assert market.ask("select sub_chain_id, name, is_listed from store") == [(1, "חדש", True)]


def test_a_store_gets_its_sub_chain_without_the_rows_of_its_files(market: Market, tmp_path: Path) -> None:
    market.load_all(market.publish(prices(0, "5", hours=1), prices(0, "6", hours=3), promotions(0)))
    before = market.history(MILK, STORE)
    for document in ("prices", "promotions"):
        (tmp_path / document).rename(tmp_path / f"{document} gone")

    market.load_all(market.publish(store_list(1)))

    assert market.ask("select sub_chain_id, name from store") == [(1, "סניף")]
    assert market.history(MILK, STORE) == before == [("5", 1, 3), ("6", 3, None)]
    assert {sub_chain for _, sub_chain in market.ask(LEDGER)} == {1}


def test_files_older_than_what_retention_keeps_stay_with_the_first_sub_chain(market: Market) -> None:
    files = [prices(1, "5", hours=1, is_full=True), prices(0, "6", hours=2), prices(0, "7", hours=4)]
    market.load_all(market.publish(*files))
    with market.engine.begin() as connection:
        raise_watermark(connection, LAKE, files[1].sighting.published_at or NOON)

    market.load_all(market.publish(prices(2, "9", hours=5, is_full=True)))

    now = "select sub_chain_id, price from current_prices order by 1"
    assert market.ask(now) == [(0, Decimal(7)), (1, Decimal(6)), (2, Decimal(9))]
    assert market.history(MILK, STORE)[:1] == [("7", 4, None)]


def test_a_rebuild_keeps_files_with_the_store_that_they_were_found_to_be_about(market: Market) -> None:
    files: list[AnyFile] = [
        prices(0, "5", hours=1),
        store_list(1, hours=2),
        prices(1, "6", hours=3, is_full=True),
        promotions(0),
    ]
    market.load_all(market.publish(*files))
    before = market.everything()
    with market.engine.begin() as connection:
        connection.execute(sa.text("update price_current set price = 99"))
        connection.execute(sa.text("update store set last_seen_at = '-infinity'"))
    for rebuild in REBUILDERS.values():
        rebuild(market.engine, market.lake, Scope(), now=NOON, tell=lambda _: None)
    assert market.everything() == before


@pytest.mark.parametrize("second", [1, 2])
def test_loaders_at_the_same_time_agree_on_the_sub_chain(market: Market, second: int) -> None:
    stores = range(1, 16)
    files: list[list[AnyFile]] = [
        [StoreList(hours, {(1, store): f"{hours}" for store in stores}) for hours in (1, 2)],
        [PriceFile(3, {MILK: "5"}, is_full=True, store=store, sub_chain=second) for store in stores],
        [PriceFile(4, {MILK: "6"}, store=store, sub_chain=0) for store in stores],
        [PromotionFile(5, [Offer("11", [MILK])], store=store, sub_chain=0) for store in stores],
    ]
    market.load_all(market.publish(*attributed([file for some in files for file in some])))
    expected = answers(market)
    market.forget()
    published = [market.publish(*some) for some in files]

    def load(some: Sequence[LedgerFile]) -> int:
        return sum(market.load_all([file], rows_at_once=1) for file in some)

    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(load, published))

    assert (loaded, answers(market)) == ([2, 15, 15, 15], expected)


SINGLE, SEVERAL = st.sampled_from([0, 1]), st.sampled_from([0, 0, 1, 2])
PRODUCTS = st.dictionaries(st.sampled_from([MILK, BREAD]), st.sampled_from(["5", "6"]), min_size=1)
NAMES = st.sampled_from(["תלפיות", "מלחה"])


def files_of(sub_chains: st.SearchStrategy[int]) -> st.SearchStrategy[list[AnyFile]]:
    """Lists, full files, deltas and promotions of one store number, at different hours."""
    of_store = {"is_full": st.booleans(), "store": st.just(STORE), "sub_chain": sub_chains}
    kinds = st.one_of(
        st.builds(
            StoreList,
            hours=st.just(0),
            names=st.dictionaries(st.tuples(sub_chains, st.just(STORE)), NAMES, min_size=1, max_size=2),
        ),
        st.builds(PriceFile, hours=st.just(0), price_rows=PRODUCTS, **of_store),
        st.builds(PriceFile, hours=st.just(0), price_rows=PRODUCTS, **of_store),
        st.builds(
            PromotionFile,
            hours=st.just(0),
            offers=st.lists(
                st.builds(
                    Offer, promotion_id=st.sampled_from(["11", "12"]), price=st.sampled_from(["9", "8"])
                ),
                unique_by=lambda offer: offer.promotion_id,
            ),
            **of_store,
        ),
    )
    files = st.lists(kinds, min_size=2, max_size=7)
    return files.map(lambda drawn: [replace(file, hours=hour) for hour, file in enumerate(drawn, 1)])


def attributed(files: Sequence[AnyFile]) -> list[AnyFile]:
    """State in every file and list the sub-chain that it is about, by the rule in plain words.

    The number's only sub-chain; if there are several, or one list has 0 and another, it is OTHER.
    """
    lists = [{sub_chain for sub_chain, _ in file.names} for file in files if isinstance(file, StoreList)]
    of_files = {file.sub_chain for file in files if not isinstance(file, StoreList)}
    known = of_files.union(*lists) - {0}
    is_single = len(known) == 1 and not any(0 in shown and len(shown) > 1 for shown in lists)
    unknown = max(known) if is_single else OTHER
    return [_with_sub_chain(file, unknown) for file in files]


def _with_sub_chain(file: AnyFile, unknown: int) -> AnyFile:
    if isinstance(file, StoreList):
        return replace(
            file, names={(sub or unknown, store): name for (sub, store), name in file.names.items()}
        )
    return replace(file, sub_chain=file.sub_chain or unknown)


def answers(market: Market) -> list[list[tuple[Any, ...]]]:
    """Everything by natural keys, and the ledger's sub-chains; OTHER is 0."""
    tables = [*market.everything(), market.ask(LEDGER)]
    return [sorted((tuple(_zero(value) for value in row) for row in rows), key=repr) for rows in tables]


def _zero(value: object) -> object:
    return 0 if isinstance(value, int) and value == OTHER else value


def check_order(market: Market, files: list[AnyFile], data: st.DataObject) -> None:
    market.forget()
    for file in market.publish(*attributed(files)):
        market.load_all([file])
    expected = answers(market)
    market.forget()

    waiting = data.draw(st.permutations(market.publish(*files)), label="as loaded")
    while waiting:
        size = data.draw(st.integers(1, len(waiting)), label="batch")
        market.load_all(waiting[:size], rows_at_once=data.draw(st.sampled_from([1, 1000]), label="rows"))
        waiting = waiting[size:]

    assert answers(market) == expected
    assert market.ask("select count(*) from store_number where not is_settled") == [(0,)]


@ON_TABLES
@given(files=files_of(SINGLE), data=st.data())
def test_any_order_ends_as_if_every_file_stated_its_sub_chain(
    market: Market, files: list[AnyFile], data: st.DataObject
) -> None:
    check_order(market, files, data)


@ON_TABLES
@given(files=files_of(SEVERAL), data=st.data())
def test_any_order_ends_the_same_where_a_number_is_ambiguous(
    market: Market, files: list[AnyFile], data: st.DataObject
) -> None:
    check_order(market, files, data)
