"""Putting failed files back by hand."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gogobe_dagster.errors import Code, CodedError, ContentError, DownloadError, PortalError
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster.warehouse.ledger.model import FailedFiles, Requeued
from gogobe_dagster.warehouse.ledger.requeue import requeue
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file, file_event
from gogobe_dagster_tests.warehouse.making import FEED, NOON, TODAY, everything, fetch_all, rows_of, sighting

LATER = NOON + timedelta(hours=2)
FAILURES = [
    DownloadError(Code.NOT_FOUND, "404"),
    DownloadError(Code.TOO_LARGE, "1 TB"),
    ContentError(Code.NULL_FILE, "no rows"),
    PortalError(Code.ZERO_BYTE, "nothing"),
]


@pytest.fixture
def ledger(engine: sa.Engine) -> Ledger:
    return Ledger(engine)


def fail(ledger: Ledger, *failures: CodedError) -> list[str]:
    """Let a file of each store fail; return the names."""
    seen = [sighting(store=store) for store, _ in enumerate(failures, 1)]
    ledger.record(FEED, seen, now=NOON)
    for known, failure in zip(everything(ledger), failures, strict=True):
        ledger.mark_failed(known.id, failure, now=NOON, max_attempts=1)
    return [known.name for known in everything(ledger)]


def put_back(engine: sa.Engine, *, has_raw: bool = True, **selection: Any) -> Requeued:
    return requeue(engine, FailedFiles(**selection), has_raw=lambda _: has_raw, now=LATER)


def test_what_failed_is_tried_at_once_as_if_for_the_first_time(ledger: Ledger, engine: sa.Engine) -> None:
    fail(ledger, *FAILURES)

    done = put_back(engine)

    assert done.to_download == {"not_found": 1, "too_large": 1, "zero_byte": 1}
    pending = ledger.to_download(FEED, [TODAY], now=LATER)
    assert [(known.code, known.attempts) for known in pending] == [(None, 0)] * 3
    assert rows_of(engine, file_event, "detail")[-1] == ("put back by hand",)
    assert put_back(engine).files == 0


@pytest.mark.parametrize(
    ("selection", "codes"),
    [
        ({"codes": [Code.TOO_LARGE]}, ["too_large"]),
        ({"codes": [Code.NULL_FILE, Code.NOT_FOUND]}, ["not_found", "null_file"]),
        ({"feeds": ["keshet"]}, []),
        ({"feeds": [FEED], "days": [TODAY]}, ["not_found", "too_large", "zero_byte"]),
        ({"days": [TODAY - timedelta(days=1)]}, []),
        ({"names": ["*-001-002-*"]}, ["too_large"]),
        ({"names": ["Price%"]}, []),
        ({"names": ["Price_ull*"]}, []),
    ],
)
def test_only_what_was_selected_is_put_back(
    ledger: Ledger, engine: sa.Engine, selection: dict[str, Any], codes: list[str]
) -> None:
    fail(ledger, *FAILURES)
    assert sorted(put_back(engine, **selection).to_download) == codes


def test_a_file_no_longer_listed_comes_from_the_raw_store_or_stays(ledger: Ledger, engine: sa.Engine) -> None:
    ledger.record(FEED, [sighting()], now=NOON)
    fetch_all(ledger)
    corrupt = ContentError(Code.CORRUPT_ARCHIVE, "bad")
    ledger.mark_failed(everything(ledger)[0].id, corrupt, now=NOON, max_attempts=1)
    ledger.record(FEED, [sighting(store=2)], now=NOON + timedelta(days=3))

    assert put_back(engine, has_raw=False).unavailable == {"corrupt_archive": 1}
    assert everything(ledger)[0].state is FileState.QUARANTINED
    assert put_back(engine).to_parse == {"corrupt_archive": 1}
    assert everything(ledger)[0].state is FileState.DOWNLOADED


def test_an_older_revision_is_not_put_back(ledger: Ledger, engine: sa.Engine) -> None:
    fail(ledger, DownloadError(Code.TOO_LARGE, "1 TB"))
    ledger.record(FEED, [sighting(size=2000)], now=LATER)
    assert put_back(engine).files == 0


def test_a_dry_run_changes_nothing(ledger: Ledger, engine: sa.Engine) -> None:
    fail(ledger, *FAILURES)
    before = rows_of(engine, file, *file.c.keys())

    done = requeue(engine, FailedFiles(), has_raw=lambda _: True, now=LATER, dry_run=True)

    assert done.files == 3
    assert rows_of(engine, file, *file.c.keys()) == before
