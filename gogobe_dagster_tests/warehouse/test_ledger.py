from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gogobe_dagster.errors import Code, ContentError, DownloadError, PortalError
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file, file_event, listing, reject
from gogobe_dagster_tests.warehouse.making import (
    FEED,
    NOON,
    TODAY,
    everything,
    fetch_all,
    parsed,
    rejects,
    rows_of,
    sighting,
)

LATER = NOON + timedelta(minutes=5)
ZERO_BYTE = DownloadError(Code.ZERO_BYTE, "the portal sent nothing")
NOT_FOUND = DownloadError(Code.NOT_FOUND, "404")


@pytest.fixture
def ledger(engine: sa.Engine) -> Ledger:
    return Ledger(engine)


def test_store_lists_and_full_files_are_fetched_first(ledger: Ledger) -> None:
    kinds = [FileKind.PRICES, FileKind.STORES, FileKind.PROMOTIONS, FileKind.FULL_PRICES]
    ledger.record(FEED, [sighting(kind, hours=hour) for hour, kind in enumerate(kinds)], now=NOON)
    fetched_first = [FileKind.STORES, FileKind.FULL_PRICES, FileKind.PRICES, FileKind.PROMOTIONS]
    assert [pending.kind for pending in ledger.to_download(FEED, [TODAY])] == fetched_first


def test_only_the_days_asked_for_are_returned(ledger: Ledger) -> None:
    ledger.record(FEED, [sighting(), sighting(hours=30)], now=NOON)
    assert len(ledger.to_download(FEED, [TODAY])) == 1
    assert len(ledger.to_download(FEED, [TODAY, TODAY + timedelta(days=1)])) == 2
    assert len(ledger.pending(FEED)) == 2


def test_a_failure_of_the_portal_is_no_attempt_and_the_file_waits_for_its_next_try(ledger: Ledger) -> None:
    ledger.record(FEED, [sighting()], now=NOON)
    file_id = everything(ledger)[0].id

    for hours in (0, 1, 47):
        now = NOON + timedelta(hours=hours)
        ledger.mark_failed(file_id, ZERO_BYTE, now=now, max_attempts=3)
        assert ledger.to_download(FEED, [TODAY], now=now) == ledger.pending(FEED, now=now) == []
        (waiting,) = ledger.to_download(FEED, [TODAY], now=now + timedelta(hours=6))
        assert (waiting.attempts, waiting.code) == (0, "zero_byte")

    ledger.mark_failed(file_id, ZERO_BYTE, now=NOON + timedelta(hours=48), max_attempts=3)
    (known,) = everything(ledger)
    assert (known.state, known.attempts) == (FileState.QUARANTINED, 1)
    assert known.retry_at == NOON + timedelta(hours=49)


@pytest.mark.parametrize(
    ("error", "retry_at"),
    [
        (NOT_FOUND, NOON + timedelta(hours=1)),
        (ContentError(Code.CORRUPT_ARCHIVE, "bad CRC"), NOON + timedelta(hours=1)),
        (DownloadError(Code.TOO_LARGE, "1 TB"), None),
        (ContentError(Code.NULL_FILE, "no rows"), None),
        (ContentError(Code.HOSTILE_CONTENT, "a bomb"), None),
    ],
)
def test_a_failure_of_the_file_is_quarantined_and_final_only_if_time_cannot_cure_it(
    ledger: Ledger, error: DownloadError, retry_at: datetime | None
) -> None:
    ledger.record(FEED, [sighting()], now=NOON)
    ledger.mark_failed(everything(ledger)[0].id, error, now=NOON, max_attempts=5)
    (known,) = everything(ledger)
    assert (known.state, known.code, known.retry_at) == (FileState.QUARANTINED, error.code, retry_at)


def test_the_last_attempt_is_final(ledger: Ledger) -> None:
    ledger.record(FEED, [sighting()], now=NOON)
    ledger.mark_failed(everything(ledger)[0].id, NOT_FOUND, now=NOON, max_attempts=1)
    assert everything(ledger)[0].retry_at is None


def test_files_that_failed_are_downloaded_last(ledger: Ledger) -> None:
    kinds = [FileKind.STORES, FileKind.FULL_PRICES, FileKind.PRICES]
    ledger.record(FEED, [sighting(kind, hours=hour) for hour, kind in enumerate(kinds)], now=NOON)
    ledger.mark_untried(everything(ledger)[0].id, PortalError(Code.RATE_LIMITED, "429"), now=NOON)
    order = [FileKind.FULL_PRICES, FileKind.PRICES, FileKind.STORES]
    assert [pending.kind for pending in ledger.to_download(FEED, [TODAY], now=NOON)] == order


def test_a_success_after_a_failure_clears_the_code(ledger: Ledger) -> None:
    ledger.record(FEED, [sighting()], now=NOON)
    ledger.mark_failed(everything(ledger)[0].id, ZERO_BYTE, now=NOON, max_attempts=3)
    fetch_all(ledger)
    (known,) = everything(ledger)
    assert (known.code, known.reason, known.sha256, known.size) == (None, None, "ab", 9)


def test_promotions_are_fetched_and_read_like_prices(ledger: Ledger) -> None:
    both = {FileKind.PROMOTIONS, FileKind.PRICES}
    ledger.record(FEED, [sighting(kind) for kind in both], now=NOON)
    fetch_all(ledger)
    assert {pending.kind for pending in ledger.to_parse(FEED, [TODAY])} == both
    assert {pending.kind for pending in ledger.pending(FEED)} == both


def test_what_reading_gave_is_kept_with_samples(ledger: Ledger, engine: sa.Engine) -> None:
    ledger.record(FEED, [sighting(store=3)], now=NOON)
    fetch_all(ledger)
    file_id = everything(ledger)[0].id
    entry = parsed(
        file_id, store=4, rows=90, rejected=3, reject_reasons={"price_invalid": 3}, samples=rejects(3)
    )

    ledger.mark_parsed([entry], now=NOON)
    ledger.mark_parsed([entry], now=NOON)  # a repeated batch

    (known,) = ledger.to_load(FEED, [TODAY], Document.PRICES)
    assert (known.store_id, known.rows, known.rejected, known.lake_path) == (4, 90, 3, entry.lake_path)
    assert rows_of(engine, file, "reject_reasons") == [({"price_invalid": 3},)]
    assert rows_of(engine, reject, "row_number", "stage") == [(0, "parse"), (1, "parse"), (2, "parse")]
    assert ledger.to_load(FEED, [TODAY], Document.STORES) == []


@pytest.mark.parametrize(
    ("kind", "report", "is_complete"),
    [
        (FileKind.FULL_PRICES, {}, True),
        (FileKind.PRICES, {}, False),
        (FileKind.FULL_PRICES, {"rows": 0}, False),
        (FileKind.FULL_PRICES, {"is_damaged": True}, False),
        (FileKind.FULL_PRICES, {"rows": 95, "rejected": 5}, True),
        (FileKind.FULL_PRICES, {"rows": 50, "rejected": 50}, False),
    ],
)
def test_only_a_whole_and_readable_full_file_says_what_is_gone(
    ledger: Ledger, kind: FileKind, report: dict[str, Any], *, is_complete: bool
) -> None:
    ledger.record(FEED, [sighting(kind)], now=NOON)
    fetch_all(ledger)
    ledger.mark_parsed([parsed(everything(ledger)[0].id, **report)], now=NOON)
    assert everything(ledger)[0].is_complete is is_complete


@pytest.mark.parametrize(
    "step",
    [
        lambda ledger, i: ledger.mark_downloaded(i, sha256="cd", size=1, now=LATER),
        lambda ledger, i: ledger.mark_parsed([parsed(i)], now=LATER),
        lambda ledger, i: ledger.mark_failed(i, NOT_FOUND, now=LATER, max_attempts=1),
    ],
)
def test_a_late_step_of_another_run_does_not_undo_what_is_done(
    ledger: Ledger, engine: sa.Engine, step: Callable[[Ledger, int], None]
) -> None:
    ledger.record(FEED, [sighting()], now=NOON)
    with engine.begin() as connection:
        connection.execute(sa.update(file).values(state="loaded", lake_path="1.parquet"))
    before = everything(ledger)

    step(ledger, before[0].id)

    assert everything(ledger) == before
    assert len(rows_of(engine, file_event, "state")) == 1


def test_every_step_of_a_life_is_an_event(ledger: Ledger, engine: sa.Engine) -> None:
    ledger.record(FEED, [sighting()], now=NOON)
    ledger.mark_failed(everything(ledger)[0].id, ZERO_BYTE, now=NOON, max_attempts=3)
    fetch_all(ledger)
    ledger.mark_parsed([parsed(everything(ledger)[0].id)], now=NOON)
    assert rows_of(engine, file_event, "state", "code", "detail") == [
        ("discovered", None, None),
        ("discovered", "zero_byte", "the portal sent nothing"),
        ("downloaded", None, "9 bytes"),
        ("parsed", None, "2 rows, 0 rejected, 0 duplicates"),
    ]


def test_the_fleet_is_one_query_over_all_feeds(ledger: Ledger, engine: sa.Engine) -> None:
    ledger.record(FEED, [sighting(), sighting(hours=30), sighting(FileKind.PROMOTIONS)], now=NOON)
    ledger.record("osher_ad", [sighting()], now=NOON)
    fetch_all(ledger)
    ledger.record_failure("osher_ad", PortalError(Code.DNS_DEAD, "no such host"), now=LATER)
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))

    osher_ad, rami_levy = ledger.feed_health()

    assert len(statements) == 1
    assert (rami_levy.discovered, rami_levy.downloaded) == (1, 2)
    assert (osher_ad.discovered, osher_ad.listing_code, osher_ad.listed_at) == (1, "dns_dead", NOON)
    assert [row.discovered for row in ledger.feed_health([TODAY])] == [1, 0]
    assert [row.discovered for row in ledger.feed_health([])] == [0, 0]


def test_a_portal_that_never_answered_is_in_the_fleet_all_the_same(ledger: Ledger) -> None:
    ledger.record_failure(FEED, PortalError(Code.DNS_DEAD, "no such host"), now=NOON)
    (row,) = ledger.feed_health()
    assert (row.feed, row.loaded, row.listed_at, row.listing_code) == (FEED, 0, None, "dns_dead")


def test_a_portal_that_answers_again_is_well_again(ledger: Ledger, engine: sa.Engine) -> None:
    ledger.record_failure(FEED, PortalError(Code.DNS_DEAD, "no such host"), now=NOON)
    ledger.record(FEED, [], now=LATER)
    assert rows_of(engine, listing, "listed_at", "failed_at", "code", "listed") == [(LATER, NOON, None, 0)]
