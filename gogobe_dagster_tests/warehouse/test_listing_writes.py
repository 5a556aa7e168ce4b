from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gogobe_dagster.errors import Code, DownloadError, UnknownFileName
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.warehouse.ledger.ledger import Ledger
from gogobe_dagster.warehouse.ledger.model import ListingResult
from gogobe_dagster.warehouse.schema.enums import FileState
from gogobe_dagster.warehouse.schema.tables import file, file_event
from gogobe_dagster_tests.warehouse.making import FEED, NOON, TODAY, everything, fetch_all, rows_of, sighting

LATER = NOON + timedelta(minutes=5)
NOT_FOUND = DownloadError(Code.NOT_FOUND, "404")


@pytest.fixture
def ledger(engine: sa.Engine) -> Ledger:
    return Ledger(engine)


def test_a_listed_file_is_known_for_ever_with_all_that_its_name_says(ledger: Ledger) -> None:
    seen = sighting(FileKind.FULL_PRICES, hours=5, store=39)

    assert ledger.record(FEED, [seen], now=NOON) == ListingResult(
        listed=1, new=1, known=0, republished=0, quarantined=0
    )

    (known,) = everything(ledger)
    assert (known.name, known.revision, known.state) == (seen.name, 1, FileState.DISCOVERED)
    assert (known.kind, known.chain_id, known.sub_chain_id, known.store_id, known.published_at) == (
        FileKind.FULL_PRICES,
        seen.chain_id,
        1,
        39,
        seen.published_at,
    )


def test_the_same_listing_again_only_refreshes_the_link(ledger: Ledger, engine: sa.Engine) -> None:
    seen = [sighting(hours=hour) for hour in range(3)]
    ledger.record(FEED, seen, now=NOON)

    again = ledger.record(FEED, [replace(seen_file, link="/file/d/2") for seen_file in seen], now=LATER)

    assert again == ListingResult(listed=3, new=0, known=3, republished=0, quarantined=0)
    assert [known.link for known in everything(ledger)] == ["/file/d/2"] * 3
    assert rows_of(engine, file, "first_seen_at", "last_seen_at") == [(NOON, LATER)] * 3
    assert len(rows_of(engine, file_event, "state")) == 3


def test_one_name_in_two_feeds_is_two_files(ledger: Ledger) -> None:
    assert ledger.record(FEED, [sighting()], now=NOON).new == 1
    assert ledger.record("mishnat_yosef", [sighting()], now=NOON).new == 1


@pytest.mark.parametrize(
    ("change", "is_new_revision"),
    [
        ({}, False),
        ({"size": 1400, "size_tolerance": 512}, False),
        ({"size": 1600, "size_tolerance": 512}, True),
        ({"size": 1001}, True),
        ({"size": None}, False),
        ({"modified_at": NOON}, False),
        ({"modified_at": NOON - timedelta(hours=1)}, False),
        ({"modified_at": LATER}, True),
        ({"modified_at": None}, False),
    ],
)
def test_a_name_that_comes_back_with_other_bytes_is_a_new_revision(
    ledger: Ledger, change: dict[str, Any], *, is_new_revision: bool
) -> None:
    seen = sighting(modified_at=NOON)
    ledger.record(FEED, [seen], now=NOON)

    again = ledger.record(FEED, [replace(seen, **change)], now=LATER)

    assert again.republished == is_new_revision
    assert [known.revision for known in everything(ledger)] == [1, 2][: 1 + is_new_revision]


def test_a_revision_that_was_never_fetched_is_superseded_by_the_next(
    ledger: Ledger, engine: sa.Engine
) -> None:
    ledger.record(FEED, [sighting()], now=NOON)
    ledger.record(FEED, [sighting(size=2000)], now=LATER)

    assert [known.state for known in everything(ledger)] == [FileState.SUPERSEDED, FileState.DISCOVERED]
    events = rows_of(engine, file_event, "state", "code")
    assert ("superseded", "republished_same_name") in events
    assert ("discovered", "republished_same_name") in events


def test_a_revision_that_was_fetched_is_an_observation_and_goes_on(ledger: Ledger) -> None:
    ledger.record(FEED, [sighting()], now=NOON)
    fetch_all(ledger)
    ledger.record(FEED, [sighting(size=2000)], now=LATER)
    assert [known.state for known in everything(ledger)] == [FileState.DOWNLOADED, FileState.DISCOVERED]


def test_a_name_that_is_not_understood_is_quarantined_from_the_start(
    ledger: Ledger, engine: sa.Engine
) -> None:
    problem = UnknownFileName("index\0.html", "no kind")
    seen = replace(sighting(name="index\0.html"), kind=None, published_at=None, problem=problem)

    assert ledger.record(FEED, [seen], now=NOON).quarantined == 1

    (known,) = everything(ledger)
    assert (known.state, known.code) == (FileState.QUARANTINED, "name_unparsed")
    assert "no kind" in (known.reason or "")
    assert ledger.to_download(FEED, [TODAY]) == []
    assert rows_of(engine, file_event, "state", "code") == [("quarantined", "name_unparsed")]
    assert ledger.record(FEED, [seen], now=LATER).known == 1


def test_a_leftover_whose_day_is_asked_for_is_fetched_after_all(ledger: Ledger) -> None:
    leftover = DownloadError(Code.STALE_FILE, "a leftover")
    ledger.record(FEED, [sighting(problem=leftover)], now=NOON)
    ledger.record(FEED, [sighting()], now=LATER)
    (known,) = ledger.to_download(FEED, [TODAY])
    assert known.code is None


def test_a_file_that_failed_stays_quarantined_however_often_it_is_listed(ledger: Ledger) -> None:
    ledger.record(FEED, [sighting()], now=NOON)
    ledger.mark_failed(everything(ledger)[0].id, NOT_FOUND, now=NOON, max_attempts=5)
    ledger.record(FEED, [sighting()], now=LATER)
    assert everything(ledger)[0].state is FileState.QUARANTINED


def test_recorders_of_one_feed_take_turns(ledger: Ledger) -> None:
    seen = [sighting(hours=hour / 100) for hour in range(100)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: ledger.record(FEED, seen, now=NOON), range(4)))
    assert sorted(result.new for result in results) == [0, 0, 0, 100]
    assert len(everything(ledger)) == 100
