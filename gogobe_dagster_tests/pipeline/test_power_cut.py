"""After a power cut in any stage, two more imports end with the tables of an import without one.

The raw store and the lake are on a file system in an image of its own. The power cut is a copy of that image
as the disk has it at that moment, without what the kernel has not written yet; the import goes on with the
copy. The ledger's commits survive, as PostgreSQL's do.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from gogobe_dagster import pipeline
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.replica.generator.ground_truth import published_prices
from gogobe_dagster.resources import Resources
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday

pytestmark = pytest.mark.slow

FEED = find_feed("keshet")
STAGES = ("download", "parse", "load")
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

    def cut_power(self) -> None:
        """Go on with what is on the disk now."""
        copy = self.image.with_suffix(".copy")
        shutil.copy(self.image, copy)
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
            run_stage(before, resources)
        disk.cut_power()
        for after in STAGES * 2:
            run_stage(after, resources)

    assert set(import_env.states(FEED.key).values()) == {"loaded"}
    truth = published_prices(market, FEED, now=midnight(), first_day=yesterday())
    assert import_env.prices(FEED.key) == {tuple(key): priced.price for key, priced in truth.items()}
    # what the ledger called downloaded or parsed was on the disk: nothing was done twice
    again = "select count(*) from file_event where code in ('raw_file_missing', 'lake_file_missing')"
    assert import_env.query(again) == [(0,)]


def run_stage(name: str, resources: Resources) -> None:
    if name == "download":
        pipeline.discover(FEED, [yesterday()], resources)
        pipeline.download(FEED, [yesterday()], resources)
    elif name == "parse":
        for batch in pipeline.plan(FEED, [yesterday()], resources):
            pipeline.parse(batch, FEED, resources)
    else:
        for document in Document:
            pipeline.load(document, FEED, [yesterday()], resources)
