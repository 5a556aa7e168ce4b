"""When a partition counts as failed."""

from dataclasses import replace
from datetime import date

import pytest

from gogobe_dagster.errors import Code
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.monitoring.failed_files import codes_of, explain, partition_outcomes
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster_tests.pipeline.test_run_planning import FILE

DAY = date(2026, 11, 29)
LOADED = replace(FILE, kind=FileKind.PRICES, publication_day=DAY, state=FileState.LOADED, sha256="0")
LOST = replace(LOADED, state=FileState.QUARANTINED, code=Code.NOT_FOUND, reason="status 404", sha256=None)
LEFT_OUT = replace(LOST, code=Code.STALE_FILE)
SUPERSEDED = replace(LOADED, state=FileState.SUPERSEDED)
FULL, LOST_FULL = (replace(file, kind=FileKind.FULL_PRICES) for file in (LOADED, LOST))
PENDING = replace(LOADED, id=2, state=FileState.DISCOVERED)


def is_loaded(file: LedgerFile) -> bool:
    return file.state is FileState.LOADED


@pytest.mark.parametrize(
    ("files", "min_percent", "is_red"),
    [
        ([], 80, False),
        ([LOADED], 100, False),
        ([LOST], 80, True),
        ([LOST], 0, True),  # nothing at all is never green
        ([LOADED] * 4 + [LOST], 80, False),
        ([LOADED] * 3 + [LOST], 80, True),
        ([LOADED, LOST], 50, False),
        ([LEFT_OUT, SUPERSEDED], 80, False),  # nobody has to act
        ([LOADED, LEFT_OUT, SUPERSEDED], 100, False),
        ([LOADED, PENDING], 100, False),  # listed while the run went on
        ([LOADED] * 12 + [LOST_FULL] * 2, 80, True),  # 86 % of all files, but no full one
        ([LOADED] * 12 + [FULL, LOST_FULL], 80, True),
        ([LOADED] * 12 + [FULL] * 4 + [LOST_FULL], 80, False),
        ([FULL] * 12 + [LOST], 80, False),  # the next delta has it
    ],
)
def test_a_partition_is_red_if_none_or_too_few_of_its_files_came_through(
    files: list[LedgerFile], min_percent: float, is_red: object
) -> None:
    outcomes = partition_outcomes(files, has_come_through=is_loaded)

    assert [outcome.is_too_little(min_percent) for outcome in outcomes] == [is_red] * bool(files)


def test_a_pending_file_failed_if_the_run_tried_it_and_not_if_the_run_does_not_take_it() -> None:
    def red(**ids: set[int]) -> bool:
        (outcome,) = partition_outcomes([LOADED, PENDING], has_come_through=is_loaded, **ids)
        return outcome.is_too_little(80)

    assert red(tried={2})
    assert not red(tried={2}, not_selected={2})


def test_each_feed_and_day_is_judged_for_itself() -> None:
    day_before = replace(LOST, publication_day=date(2026, 11, 28))

    outcomes = partition_outcomes([LOADED, day_before, LOADED], has_come_through=is_loaded)

    assert [(outcome.day.day, outcome.is_too_little(80)) for outcome in outcomes] == [(28, True), (29, False)]


def test_a_failure_says_how_many_why_and_what_to_type() -> None:
    (outcome,) = partition_outcomes(
        [LOADED, LOST, LOST, replace(LOST, code=Code.ZERO_BYTE)], has_come_through=is_loaded
    )

    assert outcome.describe("loaded", 80) == (
        "keshet 2026-11-29: 3 of 4 files were not loaded (not_found 2, zero_byte 1). To try them again at "
        "once: `gogobe retry --feed keshet --day 2026-11-29`, then `gogobe import --feed keshet "
        "--day 2026-11-29`; docs/codes.md explains the codes"
    )


def test_a_failure_names_the_kind_of_full_files_that_are_lost() -> None:
    (outcome,) = partition_outcomes([LOADED] * 12 + [LOST, LOST_FULL, LOST_FULL], has_come_through=is_loaded)

    assert "3 of 15 files were not loaded (not_found 3), among them 2 of 2 full price files. To try" in (
        outcome.describe("loaded", 80)
    )


def test_a_failed_file_is_explained_in_one_line() -> None:
    assert explain(LOST) == (
        "Price7290785400000-001-202611230800.gz: quarantined, not_found: status 404. "
        "Nothing: it is tried again while the portal lists it."
    )
    assert codes_of([PENDING]) == "pending 1"
