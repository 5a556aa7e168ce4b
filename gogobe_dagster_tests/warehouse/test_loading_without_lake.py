"""A lost file of the lake holds up nothing: its files are read again, and all others are loaded."""

from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster_tests.warehouse.making import FEED, NOON, TODAY, parsed
from gogobe_dagster_tests.warehouse.warehouse_harness import MILK, Market, PriceFile, StoreList, frame_of

KEPT = PriceFile(5, {MILK: "7.10"}, is_full=True, store=1)
LOST = PriceFile(5, {MILK: "6.90"}, is_full=True, store=2)


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    return Market.at(engine, tmp_path)


def lose(folder: Path, file: LedgerFile) -> None:
    """Delete the lake file that has the rows of this file."""
    (folder / str(file.lake_path)).unlink()


def read_again(market: Market, file: LedgerFile, what: PriceFile) -> LedgerFile:
    """Parse as the next run does, into a batch of its own."""
    with market.lake.batch(Document.PRICES, feed=FEED, day=TODAY, key="again") as batch:
        batch.add(file.id, frame_of(what))
    market.ledger.mark_parsed([parsed(file.id, store=what.store, lake_path=batch.path, rows=1)], now=NOON)
    return market.ledger.files([file.id])[0]


def test_files_without_their_lake_file_are_read_again_and_the_others_are_loaded(
    market: Market, tmp_path: Path
) -> None:
    (kept,), (lost,) = market.publish(KEPT), market.publish(LOST)
    lose(tmp_path, lost)

    assert market.load([kept, lost]).files == 1

    kept, waiting = market.ledger.files([kept.id, lost.id])
    assert (kept.state, waiting.state, waiting.code) == ("loaded", "downloaded", "lake_file_missing")
    assert waiting.reason == f"{lost.lake_path} is not in the lake"
    assert market.ledger.to_parse(FEED, [TODAY]) == [waiting]
    assert (market.prices(1), market.prices(2)) == ({MILK: Decimal("7.1")}, {})
    events = f"select state, code, detail from file_event where file_id = {lost.id} order by event_id desc"
    assert market.ask(events)[0] == ("downloaded", "lake_file_missing", waiting.reason)

    again = read_again(market, waiting, LOST)
    assert (again.state, again.code, again.reason) == ("parsed", None, None)
    assert market.load([again]).files == 1
    assert market.prices(2) == {MILK: Decimal("6.9")}
    assert market.ledger.pending(FEED) == []


def test_a_store_list_without_its_lake_file_is_read_again(market: Market, tmp_path: Path) -> None:
    (lost,), (kept,) = (market.publish(StoreList(hours, {(1, 1): "תלפיות"})) for hours in (6, 30))
    lose(tmp_path, lost)

    assert market.load_lists([lost, kept]).files == 1

    states = {file.id: (file.state, file.code) for file in market.ledger.files([lost.id, kept.id])}
    assert states == {lost.id: ("downloaded", "lake_file_missing"), kept.id: ("loaded", None)}


def test_a_file_that_another_run_has_read_again_stays_parsed(market: Market, tmp_path: Path) -> None:
    (seen,) = market.publish(LOST)
    lose(tmp_path, seen)
    again = read_again(market, seen, LOST)

    assert market.load([seen]).files == 0  # as this run saw it before

    assert market.ledger.files([seen.id]) == [again]
    assert market.load([again]).files == 1


def test_a_late_file_whose_followers_are_not_in_the_lake_says_which(market: Market, tmp_path: Path) -> None:
    (follower,) = market.publish(PriceFile(8, {MILK: "7.20"}))
    market.load([follower])
    lose(tmp_path, follower)
    before = market.everything()
    late = market.publish(PriceFile(6, {MILK: "7"}))

    with pytest.raises(ContentError, match=str(follower.lake_path)) as caught:
        market.load(late)

    assert caught.value.code is Code.LAKE_FILE_MISSING
    assert market.everything()[:4] == before[:4]
    assert [file.state for file in market.ledger.files([late[0].id])] == ["parsed"]
