"""Store lists: the newest holds, in whatever order they come."""

from itertools import permutations
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster_tests.warehouse.making import CHAIN, NOON
from gogobe_dagster_tests.warehouse.warehouse_harness import MILK, STORES_NOW, Market, PriceFile, StoreList


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def names(market: Market) -> dict[tuple[int, int], tuple[str | None, bool]]:
    """Name and whether listed, by sub-chain and store id."""
    return {(row[1], row[2]): (row[3], row[6]) for row in market.ask(STORES_NOW)}


def test_a_list_makes_chain_sub_chain_and_stores(market: Market) -> None:
    report = market.load_lists(market.publish(StoreList(6, {(1, 1): "תלפיות", (2, 1): "מלחה"})))
    assert (report.files, report.rows, report.new_stores, report.changed, report.ended) == (1, 2, 2, 0, 0)
    assert names(market) == {(1, 1): ("תלפיות", True), (2, 1): ("מלחה", True)}
    assert market.ask("select chain_id, name from chain") == [(CHAIN, "רמי לוי")]


def test_a_store_missing_from_the_newest_list_stays_and_is_not_listed(market: Market) -> None:
    market.load_lists(market.publish(StoreList(6, {(1, 1): "תלפיות", (1, 2): "מלחה"})))
    report = market.load_lists(market.publish(StoreList(30, {(1, 1): "תלפיות החדש"})))
    assert (report.changed, report.ended) == (1, 1)
    assert names(market) == {(1, 1): ("תלפיות החדש", True), (1, 2): ("מלחה", False)}


def test_an_older_list_never_overwrites_a_newer_one(market: Market) -> None:
    market.load_lists(market.publish(StoreList(30, {(1, 1): "חדש"}, chain_name="חדש")))
    market.load_lists(market.publish(StoreList(6, {(1, 1): "ישן", (1, 2): "נסגר"}, chain_name="ישן")))
    assert names(market) == {(1, 1): ("חדש", True), (1, 2): ("נסגר", False)}
    assert market.ask("select name from chain") == [("חדש",)]


def test_a_damaged_list_describes_and_unlists_nobody(market: Market) -> None:
    market.load_lists(market.publish(StoreList(6, {(1, 1): "א", (1, 2): "ב"})))
    market.load_lists(market.publish(StoreList(30, {(1, 1): "א חדש"}, is_damaged=True)))
    assert names(market) == {(1, 1): ("א חדש", True), (1, 2): ("ב", True)}


def test_an_empty_list_unlists_nobody(market: Market) -> None:
    market.load_lists(market.publish(StoreList(6, {(1, 1): "א"})))
    market.load_lists(market.publish(StoreList(30, {})))
    assert names(market) == {(1, 1): ("א", True)}


def test_a_list_of_another_feed_of_the_chain_unlists_nobody(market: Market) -> None:
    market.load_lists(market.publish(StoreList(6, {(1, 1): "א"})))
    market.load_lists(market.publish(StoreList(30, {(1, 2): "ב"}), feed="mishnat_yosef_worker"))
    assert names(market) == {(1, 1): ("א", True), (1, 2): ("ב", True)}


def test_a_store_that_only_price_files_know_is_not_listed_until_a_list_shows_it(market: Market) -> None:
    market.open(PriceFile(5, {MILK: "7"}, is_full=True))
    assert names(market) == {(1, 1): (None, False)}
    report = market.load_lists(market.publish(StoreList(6, {(1, 1): "תלפיות"})))
    assert (report.new_stores, report.changed) == (0, 1)
    assert names(market) == {(1, 1): ("תלפיות", True)}


def test_of_one_stamp_the_later_name_holds(market: Market) -> None:
    # Shufersal's lists carry a date and a number: Stores7290027600007-000-20260922-025.gz
    of_day = [
        StoreList(0, {(1, 1): name}, other={"name": f"Stores{CHAIN}-000-20261123-{number:03}.gz"})
        for number, name in ((25, "ראשון"), (26, "שני"))
    ]
    market.load_lists(market.publish(of_day[1]))
    market.load_lists(market.publish(of_day[0]))
    assert names(market) == {(1, 1): ("שני", True)}


def test_the_order_of_lists_does_not_matter(market: Market) -> None:
    lists = [
        StoreList(6, {(1, 1): "א", (1, 2): "ב"}),
        StoreList(30, {(1, 2): "ב חדש", (1, 3): "ג"}),
        StoreList(54, {(1, 3): "ג חדש"}, is_damaged=True),
    ]
    files = market.publish(*lists)
    endings = []
    for order in permutations(files):
        with market.engine.begin() as connection:
            connection.execute(sa.text("update file set state = 'parsed'"))
            connection.execute(sa.text("truncate store, sub_chain, chain, product, chain_product cascade"))
        for entry in order:
            market.load_lists([entry])
        endings.append(market.ask(STORES_NOW))
    assert len(endings) == 6
    assert all(ending == endings[0] for ending in endings)
    assert names(market) == {(1, 1): ("א", False), (1, 2): ("ב חדש", True), (1, 3): ("ג חדש", True)}


def test_a_list_of_one_store_says_nothing_of_the_others(market: Market) -> None:
    # City Market Shops: Stores7290000000003-000-079-20260811-050000
    lists = [
        StoreList(6 + hour, {(0, store_id): f"{store_id}"}, store=store_id)
        for hour, store_id in enumerate((79, 80, 81))
    ]
    market.load_lists(market.publish(*lists))
    report = market.load_lists(market.publish(StoreList(30, {(0, 80): "חדש"}, store=80)))
    assert (report.changed, report.ended) == (1, 0)
    assert names(market) == {(0, 79): ("79", True), (0, 80): ("חדש", True), (0, 81): ("81", True)}


def test_a_list_of_one_store_that_moved_to_another_sub_chain_unlists_where_it_was(market: Market) -> None:
    market.load_lists(market.publish(StoreList(6, {(1, 79): "א"}, store=79)))
    market.load_lists(market.publish(StoreList(30, {(2, 79): "ב"}, store=79)))
    assert names(market) == {(1, 79): ("א", False), (2, 79): ("ב", True)}


def test_a_list_of_one_store_of_a_sub_chain_says_nothing_of_its_namesakes(market: Market) -> None:
    lists = [
        StoreList(6, {(1, 5): "א"}, store=5, sub_chain=1),
        StoreList(30, {(2, 5): "ב"}, store=5, sub_chain=2),
    ]
    market.load_lists(market.publish(*lists))
    assert names(market) == {(1, 5): ("א", True), (2, 5): ("ב", True)}


def test_the_order_of_lists_of_single_stores_and_of_the_chain_does_not_matter(market: Market) -> None:
    lists = [
        StoreList(6, {(0, 79): "א"}, store=79),
        StoreList(30, {(0, 81): "ג", (0, 80): "ב"}),
        StoreList(54, {(0, 82): "ד"}, store=82),
    ]
    files = market.publish(*lists)
    endings = []
    for order in permutations(files):
        with market.engine.begin() as connection:
            connection.execute(sa.text("update file set state = 'parsed'"))
            connection.execute(sa.text("truncate store, sub_chain, chain, product, chain_product cascade"))
        for item in (*order, order[0]):
            market.load_lists([item])
        endings.append(market.ask(STORES_NOW))
    assert all(ending == endings[0] for ending in endings)
    listed = {store: is_listed for (_, store), (_, is_listed) in names(market).items()}
    assert listed == {79: False, 80: True, 81: True, 82: True}


def test_loading_a_list_twice_changes_nothing(market: Market) -> None:
    files = market.publish(StoreList(6, {(1, 1): "א"}))
    market.load_lists(files)
    before = market.everything()
    assert market.load_lists(files).files == 0
    assert market.everything() == before


def test_lists_tell_when_a_store_was_seen(market: Market) -> None:
    market.load_lists(market.publish(StoreList(30, {(1, 1): "א"}), StoreList(6, {(1, 1): "א"})))
    (row,) = market.ask(STORES_NOW)
    assert row[8:12] == (NOON.replace(hour=6), NOON.replace(day=24, hour=6), None, None)
