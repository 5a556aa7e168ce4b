"""Which runs are asked for, as a pure decision."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.deciding import RunWanted, runs_wanted
from gogobe_dagster.feeds import find_feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.warehouse.ledger import FileState, LedgerFile

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=ISRAEL)
TODAY = NOW.date()
FIRST = date(2026, 1, 1)
FILE = LedgerFile(
    id=1,
    feed="keshet",
    name="Price7290785400000-001-202611230800.gz",
    revision=1,
    link="",
    listed_size=None,
    size_slack=0,
    modified_at=None,
    day=TODAY,
    kind=FileKind.PRICES,
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


def wanted(*files: LedgerFile, under_way: tuple[date, ...] = (), now: datetime = NOW) -> list[RunWanted]:
    return runs_wanted(find_feed("keshet"), files, first_day=FIRST, under_way=under_way, now=now)


def test_a_day_with_pending_files_wants_one_run() -> None:
    other = replace(FILE, id=2)

    (run,) = wanted(FILE, other)

    assert (run.day, run.files) == (TODAY, 2)


def test_the_same_work_has_the_same_key_and_new_work_another() -> None:
    assert wanted(FILE)[0].key == wanted(FILE, now=NOW + timedelta(minutes=5))[0].key
    assert wanted(FILE)[0].key != wanted(FILE, replace(FILE, id=2))[0].key


def test_work_that_a_failed_run_left_is_asked_for_again_an_hour_later() -> None:
    assert wanted(FILE)[0].key != wanted(FILE, now=NOW + timedelta(hours=1))[0].key


def test_a_day_with_a_run_under_way_wants_none() -> None:
    assert wanted(FILE, under_way=(TODAY,)) == []


def test_a_day_outside_the_grid_wants_none() -> None:
    """Dagster fails the whole tick when one partition of it does not exist."""
    tomorrow, old = replace(FILE, day=TODAY + timedelta(days=1)), replace(FILE, day=FIRST - timedelta(days=1))

    assert [run.day for run in wanted(tomorrow, FILE, old)] == [TODAY]
