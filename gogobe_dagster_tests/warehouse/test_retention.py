"""Retention removes what is old and nothing that is needed, also when killed; late files know its edge."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.warehouse.history.retention_watermark import HISTORY, removed_until
from gogobe_dagster.warehouse.maintenance.rebuild import Scope, rebuild_prices
from gogobe_dagster.warehouse.maintenance.retention import Removed
from gogobe_dagster_tests.warehouse.making import FEED, NOON
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.retention_setup import LATER, RetentionSetup, open_setup
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    PROMOTION_PERIODS,
    PriceFile,
    StoreList,
)

pytestmark = pytest.mark.slow

RETAINER = """
import sys
from datetime import datetime
from gogobe_dagster_tests.warehouse.retention_setup import open_setup
from gogobe_dagster.warehouse.schema.migrate import connect
from gogobe_dagster.warehouse.maintenance.retention import Keep, retain
url, folder, now = sys.argv[1:]
it = open_setup(connect(url), folder)
print("ready", flush=True)
keep = Keep(raw=1, lake=1, history=1, rejects=1, events=1, file_details=1)
retain(it.market.engine, it.raw, it.market.lake, keep,
    now=datetime.fromisoformat(now))
"""


@pytest.fixture
def it(engine: sa.Engine, tmp_path: Path) -> RetentionSetup:
    return open_setup(engine, tmp_path)


def test_nothing_goes_where_everything_is_kept_for_ever(it: RetentionSetup) -> None:
    it.market.open(PriceFile(6, {MILK: "7"}))

    assert it.retain() == {}


def test_raw_bytes_go_when_every_file_that_had_them_is_loaded(it: RetentionSetup) -> None:
    loaded, twice, waiting, unread = (it.save(name) for name in (b"loaded", b"twice", b"waiting", b"unread"))
    unknown, fresh = it.save(b"unknown"), it.save(b"fresh", modified=LATER)
    files = it.market.publish(*[PriceFile(hour, {MILK: "7"}) for hour in range(1, 7)])
    for file, sha256 in zip(files, (loaded, twice, twice, waiting, unread, fresh), strict=True):
        it.give_bytes(file.id, sha256)
    it.market.load([files[0], files[1], files[5]])
    with it.market.engine.begin() as connection:
        connection.execute(
            sa.text("update file set state = 'downloaded' where sha256 = :sha256"), {"sha256": unread}
        )

    shown = it.retain(raw=3, dry_run=True)
    assert it.raw.has(loaded)
    assert it.retain(raw=3) == shown == {"raw": Removed(count=1, bytes=6)}

    kept = [it.raw.has(sha256) for sha256 in (loaded, twice, waiting, unread, unknown, fresh)]
    assert kept == [False, True, True, True, True, True]
    assert it.retain(raw=3) == {"raw": Removed()}


def test_raw_bytes_of_a_file_set_aside_go_as_well(it: RetentionSetup) -> None:
    (file,) = it.market.publish(PriceFile(1, {MILK: "7"}))
    it.give_bytes(file.id, it.save(b"broken"))
    it.market.ledger.mark_failed(file.id, ContentError(Code.CORRUPT_ARCHIVE, "x"), now=NOON, max_attempts=1)

    assert it.retain(raw=3) == {"raw": Removed(count=1, bytes=6)}


@pytest.mark.parametrize(("days", "gone"), [(99, 1), (100, 0), (101, 0)])
def test_days_are_whole_days_in_israel(it: RetentionSetup, days: int, gone: int) -> None:
    it.market.open(PriceFile(23.99, {MILK: "7"}))

    assert it.retain(lake=days, now=LATER.replace(hour=0))["lake"].count == gone


def test_a_file_of_the_lake_goes_when_all_its_files_are_loaded_and_lists_stay(it: RetentionSetup) -> None:
    some = it.market.publish(PriceFile(1, {MILK: "7"}), PriceFile(2, {MILK: "8"}))
    (other,) = it.market.publish(PriceFile(3, {MILK: "9"}))
    (listed,) = it.market.publish(StoreList(1, {(1, 1): "תלפיות"}))
    it.market.load([some[0], other])
    it.market.load_lists([listed])
    size = (Path(str(it.market.lake._root)) / str(other.lake_path)).stat().st_size  # noqa: SLF001

    shown = it.retain(lake=30, dry_run=True)
    assert it.market.ask("select * from retention_watermark") == []
    assert it.retain(lake=30) == shown == {"lake": Removed(count=1, bytes=size)}

    kept = [it.market.lake.has(str(item.lake_path)) for item in (some[0], other, listed)]
    assert kept == [True, False, True]
    assert it.retain(lake=30) == {"lake": Removed()}


def aged(it: RetentionSetup, *, hours: float) -> None:
    """Load a store's files of four days, then let the lake forget those of the first two."""
    for hour, price in ((0, "5"), (24, "6"), (48, "7"), (72, "8")):
        it.market.open(PriceFile(hour + 6, {MILK: price}))
    publish_days(it)
    it.retain(lake=2, now=NOON.replace(hour=0) + timedelta(hours=hours))


def publish_days(it: RetentionSetup) -> None:
    """Put the lake's files where their days are: the tests' market writes all into file."""
    root = Path(str(it.market.lake._root))  # noqa: SLF001
    rows = it.market.ask("select file_id, lake_path, published_at from file")
    for file_id, path, published_at in rows:
        day: date = published_at.astimezone(NOON.tzinfo).date()
        there = path.replace("2026-11-23", day.isoformat())
        (root / there).parent.mkdir(parents=True, exist_ok=True)
        (root / path).rename(root / there)
        with it.market.engine.begin() as connection:
            update = sa.text("update file set lake_path = :path where file_id = :id")
            connection.execute(update, {"path": there, "id": file_id})


def test_a_late_file_newer_than_the_horizon_is_applied_where_it_belongs(it: RetentionSetup) -> None:
    aged(it, hours=96)  # of days 0 and 1 nothing is left: the newest is of hour 30
    assert it.market.ask("select kind, removed_until from retention_watermark") == [
        ("lake", NOON.replace(hour=6) + timedelta(days=1))
    ]

    it.market.open(PriceFile(30.001, {MILK: "6.5"}))

    history = [(price, start) for price, start, _ in it.market.history(MILK)]
    assert history == [("5", 6), ("6", 30), ("6.5", pytest.approx(30.001, abs=0.001)), ("7", 54), ("8", 78)]


@pytest.mark.parametrize("hours", [29, 30])
def test_a_late_file_that_the_lake_cannot_place_is_refused_and_the_others_are_loaded(
    it: RetentionSetup, hours: float
) -> None:
    aged(it, hours=96)
    before = it.market.everything()[:4]
    late = it.market.publish(PriceFile(hours, {MILK: "1", BREAD: "2"}, variant="-late"))
    fresh = it.market.publish(PriceFile(hours, {MILK: "3"}, store=2), PriceFile(90, {EGGS: "4"}))

    assert it.market.load([*late, *fresh]).files == 2

    (refused,) = it.market.ledger.files([late[0].id])
    assert (refused.state, refused.code) == ("quarantined", "late_beyond_retention")
    assert it.market.history(BREAD) == []
    assert it.market.history(MILK, store=2) == [("3", hours, None)]
    after = it.market.everything()[:4]
    assert [row for row in after[1] if row[2] == 1 and row[3] != EGGS] == before[1]
    assert it.market.load(late).files == 0


@pytest.mark.parametrize(("hours", "is_refused"), [(29, True), (30, True), (30.5, False)])
def test_a_late_promotion_file_is_placed_or_refused_by_what_the_lake_has(
    it: RetentionSetup, hours: float, *, is_refused: bool
) -> None:
    for hour, price in ((6, "5"), (30, "6"), (54, "7"), (78, "8")):
        it.market.offer(PromotionFile(hour, [Offer("11", [MILK], price=price)], is_full=True))
    publish_days(it)
    gone = it.retain(lake=2, now=NOON.replace(hour=0) + timedelta(days=4))["lake"].count
    before = it.market.ask(PROMOTION_PERIODS)
    late = it.market.publish(PromotionFile(hours, [Offer("12", [BREAD])], variant="-late"))
    fresh = it.market.publish(PromotionFile(hours, [Offer("12", [EGGS])], store=2))

    loaded = it.market.load_promotions([*late, *fresh]).files

    (ended,) = it.market.ledger.files([late[0].id])
    fate = (gone, loaded, ended.state, ended.code)
    assert fate == ((2, 1, "quarantined", "late_beyond_retention") if is_refused else (2, 2, "loaded", None))
    periods = [(start, end) for _, start, end in it.market.promotion_periods("12")]
    assert periods == ([] if is_refused else [(30.5, 54)])
    assert [row for row in it.market.ask(PROMOTION_PERIODS) if row[2:4] == (1, "11")] == before
    assert it.market.ask("select count(*) from promotion_item join product using (product_key)") == (
        [(5,)] if is_refused else [(6,)]
    )


def test_a_period_goes_when_it_has_ended_and_an_open_one_never(it: RetentionSetup) -> None:
    it.market.open(PriceFile(6, {MILK: "5", BREAD: "11"}, is_full=True))
    it.market.open(PriceFile(30, {MILK: "6"}))
    it.market.open(PriceFile(24 * 60, {MILK: "7"}))
    now = NOON + timedelta(days=62)

    shown = it.retain(history=10, now=now, dry_run=True)
    done = it.retain(history=10, now=now)

    assert done["periods"] == shown["periods"] == Removed(count=1)
    assert done["months"].count == shown["months"].count
    assert it.market.history(MILK) == [("6", 30, 24 * 60), ("7", 24 * 60, None)]
    assert it.market.history(BREAD) == [("11", 6, None)]
    assert it.market.ask("select kind, removed_until from retention_watermark") == [
        ("history", NOON.replace(hour=6) + timedelta(days=1))
    ]


def test_a_month_without_periods_is_dropped_and_made_again_when_it_is_needed(it: RetentionSetup) -> None:
    it.market.open(PriceFile(6, {MILK: "5"}))
    it.market.open(PriceFile(24 * 60, {MILK: "6"}))
    months = "select count(*) from pg_inherits where inhparent = 'price_past'::regclass"
    ((before,),) = it.market.ask(months)

    done = it.retain(history=10, now=NOON + timedelta(days=100))

    assert done["periods"].count == 1
    assert done["months"].count >= 1
    assert done["months"].bytes > 0
    assert it.market.ask(months) == [(before - done["months"].count,)]
    it.market.open(PriceFile(7, {MILK: "4"}, store=2))  # its store has nothing newer: it is not late
    assert it.market.history(MILK, store=2) == [("4", 7, None)]


def test_a_late_file_finds_the_months_of_those_after_it_also_where_they_were_dropped(
    it: RetentionSetup,
) -> None:
    for days, price in ((0, "5"), (40, "5"), (80, "6"), (120, "7")):
        it.market.open(PriceFile(24 * days + 6, {MILK: price}))
    with it.market.engine.begin() as connection:
        connection.execute(sa.text("delete from price_past"))
    assert it.retain(history=10, now=NOON + timedelta(days=200))["months"].count >= 2

    it.market.open(PriceFile(24 * 10, {BREAD: "9", MILK: "4"}))

    assert it.market.history(BREAD) == [("9", 240, None)]
    ends = [(price, end and end // 24) for price, _, end in it.market.history(MILK)]
    assert ends == [("4", 40), ("5", 80), ("6", 120), ("7", None)]


def test_who_removes_the_past_waits_for_who_changes_it(it: RetentionSetup) -> None:
    it.market.open(PriceFile(6, {MILK: "5"}))
    it.market.open(PriceFile(30, {MILK: "6"}))
    with ThreadPoolExecutor(1) as pool, it.market.engine.begin() as load:
        assert removed_until(load, HISTORY) is None
        removing = pool.submit(it.retain, history=3, now=NOON + timedelta(days=6))
        with pytest.raises(TimeoutError):
            removing.result(timeout=0.3)
        assert len(it.market.history(MILK)) == 2
        load.rollback()
        assert removing.result()["periods"].count == 1
    assert it.market.history(MILK) == [("6", 30, None)]


def test_history_that_is_gone_is_not_changed_by_late_files_nor_by_a_rebuild_of_a_part(
    it: RetentionSetup,
) -> None:
    it.market.open(PriceFile(6, {MILK: "5"}))
    it.market.open(PriceFile(30, {MILK: "6"}))
    it.market.open(PriceFile(24 * 60, {MILK: "7"}))
    it.retain(history=10)
    before = it.market.everything()[:4]

    assert it.market.open(PriceFile(29, {BREAD: "1"})).files == 0
    scope = Scope(since=NOON.replace(hour=20))
    with pytest.raises(ContentError, match="rebuild from a later day") as caught:
        rebuild_prices(it.market.engine, it.market.lake, scope, now=NOON, tell=lambda _: None)

    assert caught.value.code is Code.LATE_BEYOND_RETENTION
    assert it.market.everything()[:4] == before


def test_a_month_that_a_load_uses_waits_for_the_next_time(it: RetentionSetup) -> None:
    it.market.open(PriceFile(6, {MILK: "5"}))
    it.market.open(PriceFile(24 * 60, {MILK: "6"}))
    with it.market.engine.begin() as load:
        load.execute(sa.text("select 1 from price_past limit 1"))
        assert it.retain(history=10)["months"].count == 0
    assert it.retain(history=10)["months"].count >= 1


def test_rejects_and_events_go_by_age(it: RetentionSetup) -> None:
    files = it.market.publish(PriceFile(6, {"": "5", MILK: "5"}))
    it.market.load(files)
    (events,), (rejects,) = (
        it.market.ask(f"select count(*) from {name}") for name in ("file_event", "reject")
    )
    assert (events[0], rejects[0]) == (3, 1)

    shown = it.retain(rejects=30, events=30, dry_run=True)
    assert it.retain(rejects=30, events=30) == shown
    assert shown == {"rejects": Removed(count=1), "events": Removed(count=3)}
    assert it.retain(rejects=30, events=30, now=NOON) == {"rejects": Removed(), "events": Removed()}
    assert len(it.market.ledger.files([files[0].id])) == 1


def test_killed_at_any_moment_it_is_done_by_the_next(
    it: RetentionSetup, warehouse_url: str, tmp_path: Path
) -> None:
    for hour in range(12):
        (file,) = it.market.publish(PriceFile(hour, {MILK: f"{hour + 1}"}))
        it.give_bytes(file.id, it.save(b"%d" % hour))
        it.market.load([file])
    now = LATER.replace(hour=0)
    command: list[Any] = [sys.executable, "-c", RETAINER, warehouse_url, tmp_path, now.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as retainer:
        assert retainer.stdout is not None
        assert retainer.stdout.readline() == b"ready\n"
        while it.raw.sizes() and len(it.raw.sizes()) > 6 and retainer.poll() is None:
            pass
        retainer.send_signal(signal.SIGKILL)

    it.retain(now=now, raw=1, lake=1, history=1, rejects=1, events=1)

    assert (it.raw.sizes(), it.market.lake.sizes(before=date.max)) == ({}, {})
    assert it.market.history(MILK) == [("12", 11, None)]
    assert it.market.ledger.pending(FEED) == []
    assert it.market.ask("select count(*) from file_event") == [(0,)]
