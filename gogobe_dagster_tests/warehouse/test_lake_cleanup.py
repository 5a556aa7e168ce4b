"""What killed and repeated batches leave in the lake goes away, and nothing that the ledger names does."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal
from upath import UPath

from gogobe_dagster import clock, pipeline
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.step_results import Batch
from gogobe_dagster.warehouse.maintenance.lake_cleanup import LakeCleanup, tidy_lake
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

pytestmark = pytest.mark.slow

FEED = "king_store"
TOMORROW_AFTER = timedelta(days=2)


def parse_everything(env: ImportEnv) -> list[Batch]:
    feed, days, resources = find_feed(FEED), [yesterday()], env.resources
    pipeline.discover(feed, days, resources)
    pipeline.download(feed, days, resources)
    batches = pipeline.plan(feed, days, resources)
    for batch in batches:
        pipeline.parse(batch, feed, resources)
    return batches


def price_paths(env: ImportEnv) -> dict[int, str]:
    files = env.resources.ledger.to_load(FEED, [yesterday()], Document.PRICES)
    return {file.id: str(file.lake_path) for file in files}


def tidy(env: ImportEnv) -> LakeCleanup:
    resources = env.resources
    return tidy_lake(resources.engine, resources.lake, now=clock.now() + TOMORROW_AFTER)


def test_reading_files_again_replaces_their_rows_exactly_and_the_old_file_goes_away(
    import_env: ImportEnv,
) -> None:
    import_env.publish(FEED)
    (batch,) = parse_everything(import_env)
    lake, before = import_env.resources.lake, price_paths(import_env)
    rows = lake.read(Document.PRICES, before)
    import_env.resources.engine.dispose()

    # the same files once more in the same batch, then in two others
    for ids in ([batch.file_ids], [batch.file_ids[::2], batch.file_ids[1::2]]):
        with import_env.resources.engine.begin() as connection:
            connection.exec_driver_sql("update file set state = 'downloaded' where state = 'parsed'")
        for file_ids in ids:
            again = Batch(feed=FEED, day=yesterday(), file_ids=tuple(file_ids))
            pipeline.parse(again, find_feed(FEED), import_env.resources)
        assert_frame_equal(lake.read(Document.PRICES, price_paths(import_env)), rows)

    left = tidy(import_env)
    assert set(before.values()) <= set(left.orphans)
    assert left.drafts == ()
    assert_frame_equal(lake.read(Document.PRICES, price_paths(import_env)), rows)
    pipeline.load(Document.PRICES, find_feed(FEED), [yesterday()], import_env.resources)
    assert tidy(import_env) == LakeCleanup(drafts=(), orphans=(), bytes=0)  # late files need what is loaded


def test_what_a_killed_batch_left_goes_away_when_it_is_old_enough(import_env: ImportEnv) -> None:
    import_env.publish(FEED)
    parse_everything(import_env)
    lake, folder = import_env.resources.lake, Path(import_env.settings.lake_url)
    with lake.batch(Document.PRICES, feed=FEED, day=yesterday(), key="killed before the ledger knew"):
        pass
    somebody_elses = folder / "notes.parquet"
    for path in (folder / "prices" / ".killed.0123.draft", somebody_elses):
        path.write_bytes(b"half a file")

    too_early = tidy_lake(import_env.resources.engine, lake, now=clock.now())
    left = tidy(import_env)

    assert too_early == LakeCleanup(drafts=(), orphans=(), bytes=0)
    assert left.drafts == ("prices/.killed.0123.draft",)
    assert [path.rpartition("/")[2] for path in left.orphans] == ["killed before the ledger knew.parquet"]
    assert left.bytes > len(b"half a file")
    assert somebody_elses.exists()
    assert len(lake.read(Document.PRICES, price_paths(import_env))) > 0


@pytest.mark.parametrize("location", ["folder", "object storage"])
def test_a_lake_lists_and_removes_its_files_wherever_it_is(location: str, tmp_path: Path) -> None:
    lake = Lake(UPath(tmp_path) if location == "folder" else UPath(f"memory://upkeep-{tmp_path.name}"))
    assert lake.files() == []
    with lake.batch(Document.STORES, feed=FEED, day=date(2026, 11, 23), key="one") as batch:
        pass

    (file,) = lake.files()
    assert (file.path, file.is_draft) == (batch.path, False)
    assert file.size > 0
    assert abs(clock.now() - file.modified_at) < timedelta(minutes=5)
    lake.remove(file.path)
    lake.remove(file.path)
    assert lake.files() == []
