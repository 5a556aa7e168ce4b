"""What killed and repeated batches leave in the lake goes away, and nothing that the ledger names does."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal
from upath import UPath

from gogobe_dagster import clock, importing
from gogobe_dagster.feeds import find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.importing import Batch
from gogobe_dagster.parsing.lake import Lake
from gogobe_dagster.warehouse.lake_upkeep import Upkeep, tidy_lake
from gogobe_dagster_tests.stage import YESTERDAY, Stage

FEED = "king_store"
TOMORROW_AFTER = timedelta(days=2)


def parse_everything(stage: Stage) -> list[Batch]:
    feed, days, equipment = find_feed(FEED), [YESTERDAY], stage.equipment
    importing.discover(feed, days, equipment)
    importing.download(feed, days, equipment)
    batches = importing.plan(feed, days, equipment)
    for batch in batches:
        importing.parse(batch, feed, equipment)
    return batches


def price_paths(stage: Stage) -> dict[int, str]:
    files = stage.equipment.ledger.to_load(FEED, [YESTERDAY], Document.PRICES)
    return {file.id: str(file.lake_path) for file in files}


def tidy(stage: Stage) -> Upkeep:
    equipment = stage.equipment
    return tidy_lake(equipment.engine, equipment.lake, now=clock.now() + TOMORROW_AFTER)


def test_reading_files_again_replaces_their_rows_exactly_and_the_old_file_goes_away(on_stage: Stage) -> None:
    on_stage.publish(FEED)
    (batch,) = parse_everything(on_stage)
    lake, before = on_stage.equipment.lake, price_paths(on_stage)
    rows = lake.read(Document.PRICES, before)
    on_stage.equipment.engine.dispose()

    # the same files once more in the same batch, then in two others
    for ids in ([batch.file_ids], [batch.file_ids[::2], batch.file_ids[1::2]]):
        with on_stage.equipment.engine.begin() as connection:
            connection.exec_driver_sql("update file set state = 'downloaded' where state = 'parsed'")
        for some in ids:
            again = Batch(feed=FEED, day=YESTERDAY, file_ids=tuple(some))
            importing.parse(again, find_feed(FEED), on_stage.equipment)
        assert_frame_equal(lake.read(Document.PRICES, price_paths(on_stage)), rows)

    left = tidy(on_stage)
    assert set(before.values()) <= set(left.orphans)
    assert left.drafts == ()
    assert_frame_equal(lake.read(Document.PRICES, price_paths(on_stage)), rows)
    importing.load(Document.PRICES, find_feed(FEED), [YESTERDAY], on_stage.equipment)
    assert tidy(on_stage) == Upkeep(drafts=(), orphans=(), bytes=0)  # late files need what is loaded


def test_what_a_killed_batch_left_goes_away_when_it_is_old_enough(on_stage: Stage) -> None:
    on_stage.publish(FEED)
    parse_everything(on_stage)
    lake, folder = on_stage.equipment.lake, Path(on_stage.settings.lake_url)
    with lake.batch(Document.PRICES, feed=FEED, day=YESTERDAY, key="killed before the ledger knew"):
        pass
    somebody_elses = folder / "notes.parquet"
    for path in (folder / "prices" / ".killed.0123.draft", somebody_elses):
        path.write_bytes(b"half a file")

    too_early = tidy_lake(on_stage.equipment.engine, lake, now=clock.now())
    left = tidy(on_stage)

    assert too_early == Upkeep(drafts=(), orphans=(), bytes=0)
    assert left.drafts == ("prices/.killed.0123.draft",)
    assert [path.rpartition("/")[2] for path in left.orphans] == ["killed before the ledger knew.parquet"]
    assert left.bytes > len(b"half a file")
    assert somebody_elses.exists()
    assert len(lake.read(Document.PRICES, price_paths(on_stage))) > 0


@pytest.mark.parametrize("place", ["folder", "object storage"])
def test_a_lake_lists_and_removes_its_files_wherever_it_is(place: str, tmp_path: Path) -> None:
    lake = Lake(UPath(tmp_path) if place == "folder" else UPath(f"memory://upkeep-{tmp_path.name}"))
    assert lake.files() == []
    with lake.batch(Document.STORES, feed=FEED, day=date(2026, 11, 23), key="one") as batch:
        pass

    (one,) = lake.files()
    assert (one.path, one.is_draft) == (batch.path, False)
    assert one.size > 0
    assert abs(clock.now() - one.modified_at) < timedelta(minutes=5)
    lake.remove(one.path)
    lake.remove(one.path)
    assert lake.files() == []
