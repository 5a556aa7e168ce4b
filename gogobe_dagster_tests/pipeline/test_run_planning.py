"""Which runs are requested, and when a portal is polled."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import FEEDS, Feed, find_feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.run_planning import (
    PlannedRun,
    Threshold,
    no_run_reason,
    plan_runs,
    poll_interval,
    skip_poll_reason,
)
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.schema.enums import FileState

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=ISRAEL)
TODAY = NOW.date()
INTERVAL = timedelta(minutes=5)
FIRST = date(2026, 1, 1)
KESHET = find_feed("keshet")
THRESHOLD = Threshold(min_files=3, max_wait=timedelta(minutes=10))
FILE = LedgerFile(
    id=1,
    feed="keshet",
    name="Price7290785400000-001-202611230800.gz",
    revision=1,
    link="",
    listed_size=None,
    size_tolerance=0,
    modified_at=None,
    publication_day=TODAY,
    kind=FileKind.FULL_PRICES,
    chain_id="7290785400000",
    sub_chain_id=None,
    store_id=1,
    published_at=NOW,
    state=FileState.DISCOVERED,
    code=None,
    reason=None,
    attempts=0,
    sha256=None,
    size=None,
    lake_path=None,
    is_damaged=False,
    is_complete=False,
    rows=None,
    rejected=None,
    duplicates=None,
)


def wanted(*files: LedgerFile, under_way: tuple[date, ...] = (), now: datetime = NOW) -> list[PlannedRun]:
    return plan_runs(KESHET, files, first_day=FIRST, under_way=under_way, threshold=THRESHOLD, now=now)


def test_a_day_with_pending_files_gets_one_run() -> None:
    other = replace(FILE, id=2)

    (run,) = wanted(FILE, other)

    assert (run.day, run.files) == (TODAY, 2)


def test_the_same_work_has_the_same_key_and_new_work_another() -> None:
    assert wanted(FILE)[0].key == wanted(FILE, now=NOW + timedelta(minutes=5))[0].key
    assert wanted(FILE)[0].key != wanted(FILE, replace(FILE, id=2))[0].key


def test_files_that_a_failed_run_left_are_requested_again_an_hour_later() -> None:
    assert wanted(FILE)[0].key != wanted(FILE, now=NOW + timedelta(hours=1))[0].key


def test_a_day_with_an_unfinished_run_gets_none() -> None:
    assert wanted(FILE, under_way=(TODAY,)) == []


def test_a_day_without_a_partition_gets_none() -> None:
    """Dagster fails the whole tick if a partition does not exist."""
    tomorrow, old = (
        replace(FILE, publication_day=TODAY + timedelta(days=1)),
        replace(FILE, publication_day=FIRST - timedelta(days=1)),
    )

    assert [run.day for run in wanted(tomorrow, FILE, old)] == [TODAY]


DELTA = replace(FILE, kind=FileKind.PRICES)


def test_a_fresh_delta_alone_waits_for_more() -> None:
    assert wanted(DELTA, replace(DELTA, id=2)) == []


def test_enough_deltas_start_a_run() -> None:
    (run,) = wanted(*(replace(DELTA, id=number) for number in (1, 2, 3)))

    assert run.reason == "3 files wait"


def test_a_delta_that_waited_long_enough_starts_a_run() -> None:
    (run,) = wanted(DELTA, now=NOW + timedelta(minutes=10))

    assert run.reason == "a file has waited long enough"
    assert wanted(DELTA, now=NOW + timedelta(minutes=9)) == []


def test_a_full_file_starts_a_run_at_once() -> None:
    (run,) = wanted(DELTA, replace(FILE, id=2))

    assert (run.files, run.reason) == (2, "1 full files wait")


def test_there_is_a_reason_when_no_run_is_planned() -> None:
    def why(*files: LedgerFile, under_way: tuple[date, ...] = ()) -> str:
        return no_run_reason(files, under_way=under_way, threshold=THRESHOLD)

    assert why() == "nothing is pending"
    assert why(FILE, under_way=(TODAY,)) == "1 files wait for the run of 2026-11-23 that is under way"
    assert "fewer than 3, no full file, none published 10 minutes ago" in why(DELTA)


def skip_reason_at(hour: int, minute: int = 0, quiet: tuple[time, time] | None = None) -> str:
    now = NOW.replace(hour=hour, minute=minute)
    return skip_poll_reason(KESHET, now=now, listed_at=None, quiet_hours=quiet, interval=INTERVAL)


def test_a_portal_is_not_polled_in_quiet_hours_even_across_midnight() -> None:
    early, night = (time(0, 30), time(5, 30)), (time(23, 45), time(5, 30))

    assert skip_reason_at(3, quiet=early) == "quiet hours until 05:30"
    assert [skip_reason_at(*at, quiet=early) for at in ((0, 29), (5, 30), (12, 0))] == ["", "", ""]
    assert [bool(skip_reason_at(*at, quiet=night)) for at in ((23, 44), (23, 45), (0, 0))] == [
        False,
        True,
        True,
    ]
    assert skip_reason_at(3) == ""


@pytest.mark.parametrize(
    "eve", [datetime(2026, 11, 27, 18, tzinfo=ISRAEL), datetime(2026, 4, 1, 18, tzinfo=ISRAEL)]
)
def test_an_observant_feed_is_polled_hourly_on_shabbat_and_pesach(eve: datetime) -> None:
    resting = replace(KESHET, observes_shabbat=True)

    assert why_seldom(resting, eve, minutes_ago=59).endswith("; polled at 17:01, next at 18:01")
    assert why_seldom(resting, eve, minutes_ago=60) == ""
    assert why_seldom(KESHET, eve, minutes_ago=5) == ""
    assert "is closed" in why_seldom(resting, eve + timedelta(days=1), minutes_ago=5)
    assert why_seldom(resting, eve + timedelta(days=1, hours=2), minutes_ago=5) == ""


def test_a_feed_without_deltas_is_polled_hourly() -> None:
    assert why_seldom(find_feed("wolt_market"), NOW, minutes_ago=5) == (
        "Wolt Market publishes no deltas; polled at 11:55, next at 12:55"
    )
    assert why_seldom(KESHET, NOW, minutes_ago=5) == ""


def why_seldom(feed: Feed, now: datetime, *, minutes_ago: int) -> str:
    listed_at = now - timedelta(minutes=minutes_ago)
    return skip_poll_reason(feed, now=now, listed_at=listed_at, quiet_hours=None, interval=INTERVAL)


def test_feeds_are_not_all_polled_in_the_same_second() -> None:
    intervals = {poll_interval(feed, 300) for feed in FEEDS}

    assert intervals <= set(range(300, 360))
    assert len(intervals) > len(FEEDS) / 2
    assert poll_interval(KESHET, 5) == 5
