"""After a power cut in any stage, two more imports end with the tables of an import without one.

The raw store and the lake are on a file system in an image of its own. The power cut is a copy of that image
as the disk has it at that moment, without what the kernel has not written yet; the import goes on with the
copy. The ledger's commits survive, as PostgreSQL's do.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.replica.generator.ground_truth import published_prices
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.resources import Resources
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday
from gogobe_dagster_tests.pipeline import import_process
from gogobe_dagster_tests.pipeline.import_process import STAGES, run_stage
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow

FEED = find_feed("keshet")
SIZE = 64 << 20
WRITE_BACK_NEVER = "commit=600,noauto_da_alloc"
"""ext4 writes back by itself after five seconds, and at a rename over an existing file; here it does not."""


@dataclass
class Disk:
    """A mounted ext4 image."""

    image: Path
    folder: Path

    def mount(self) -> None:
        self.folder.mkdir(exist_ok=True)
        run("mount", "-o", f"loop,{WRITE_BACK_NEVER}", self.image, self.folder)

    def unmount(self) -> None:
        run("umount", self.folder)

    @contextmanager
    def power_cut(self) -> Iterator[None]:
        """Go on with what is on the disk at the beginning; meanwhile end whatever has files open."""
        copy = self.image.with_suffix(".copy")
        shutil.copy(self.image, copy)
        yield
        self.unmount()
        copy.replace(self.image)
        self.mount()


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid():
        pytest.skip("only root may mount a disk image")
    made = Disk(tmp_path / "disk.ext4", tmp_path / "disk")
    with made.image.open("wb") as file:
        file.truncate(SIZE)
    try:
        run("mkfs.ext4", "-q", made.image)
        made.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk image can be mounted here: {error}")
    yield made
    made.unmount()


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_lost_in_a_power_cut(import_env: ImportEnv, disk: Disk, stage: str) -> None:
    market = import_env.publish(FEED.key)
    folders = {"raw_store": str(disk.folder / "raw"), "lake": str(disk.folder / "lake")}
    with closing(Resources(import_env.settings.model_copy(update=folders))) as resources:
        for before in STAGES[: STAGES.index(stage) + 1]:
            run_stage(before, FEED, yesterday(), resources)
        with disk.power_cut():
            pass
        for after in STAGES * 2:
            run_stage(after, FEED, yesterday(), resources)

    assert_everything_is_loaded(import_env, market)
    # what the ledger called downloaded or parsed was on the disk: nothing was done twice
    again = "select count(*) from file_event where code in ('raw_file_missing', 'lake_file_missing')"
    assert import_env.query(again) == [(0,)]


def assert_everything_is_loaded(import_env: ImportEnv, market: SyntheticMarket) -> None:
    assert set(import_env.states(FEED.key).values()) == {"loaded"}
    truth = published_prices(market, FEED, now=midnight(), first_day=yesterday())
    assert import_env.prices(FEED.key) == {tuple(key): priced.price for key, priced in truth.items()}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(17))
def test_nothing_is_lost_in_power_cuts_at_any_time(import_env: ImportEnv, disk: Disk, seed: int) -> None:
    """Three in one import, each while a process is at work, which dies a moment after the disk."""
    market = import_env.publish(FEED.key)
    folders = {"GOGOBE_RAW_STORE": f"{disk.folder / 'raw'}", "GOGOBE_LAKE": f"{disk.folder / 'lake'}"}
    command = [sys.executable, "-m", import_process.__name__, FEED.key, str(yesterday())]
    chance = Random(seed)
    for _ in range(3):
        cut_after = changes(import_env) + chance.randrange(60)
        with subprocess.Popen(command, env=import_env.environment | folders) as process:
            wait_for_progress(
                lambda: changes(import_env) >= cut_after or process.poll() is not None,  # noqa: B023
                what="the import",
                poll_seconds=0.005,
            )
            with disk.power_cut():
                process.kill()
                process.wait()
    for _ in range(2):
        subprocess.run(command, env=import_env.environment | folders, check=True)

    assert_everything_is_loaded(import_env, market)


def changes(import_env: ImportEnv) -> int:
    """Return how many changes of files the ledger has recorded."""
    [(number,)] = import_env.query("select count(*) from file_event")
    return int(number)
