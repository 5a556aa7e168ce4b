"""A run worker killed between batches loses no batch, whatever way the run is started again."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from gogobe_dagster.commands.environment import clone_folder
from gogobe_dagster_tests.dagster_up import wait_until
from gogobe_dagster_tests.stage import YESTERDAY, Stage

CELL = f"keshet|{YESTERDAY}"


def worker(stage: Stage, told: Path) -> "subprocess.Popen[bytes]":
    """Start the import of one cell in a session of its own, one file a batch."""
    return subprocess.Popen(
        [sys.executable, "-m", "gogobe_dagster.run_import", str(told), CELL],
        env=stage.environment | {"GOGOBE_BATCH_FILES": "1", "GOGOBE_PARSE_WORKERS": "1"},
        cwd=clone_folder(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_with_steps(process: "subprocess.Popen[bytes]") -> None:
    for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        with suppress(psutil.NoSuchProcess):  # it went with the one killed before
            one.send_signal(signal.SIGKILL)
    process.wait(30)


def count(stage: Stage, *states: str) -> int:
    files = stage.equipment.ledger.of_days("keshet", [YESTERDAY])
    return sum(file.state in states for file in files if file.kind and file.kind.document != "promotions")


@pytest.mark.timeout(400)
def test_a_run_killed_between_batches_is_finished_by_the_next(on_stage: Stage, tmp_path: Path) -> None:
    on_stage.publish("keshet", stores=2, items=30)
    told = tmp_path / "outcomes.jsonl"
    process = worker(on_stage, told)
    wait_until(lambda: count(on_stage, "parsed") >= 2, seconds=120, what="two batches in the lake")

    kill_with_steps(process)

    assert count(on_stage, "downloaded") > 0, "killed too late to prove anything"
    assert count(on_stage, "loaded") == 0
    assert "its process was gone" in on_stage.run("python", "-m", "gogobe_dagster.orphans").stdout
    assert on_stage.run("python", "-m", "gogobe_dagster.orphans").stdout == ""
    on_stage.import_cells(CELL)
    assert count(on_stage, "loaded") == count(on_stage, "loaded", "parsed", "downloaded", "discovered") > 0
