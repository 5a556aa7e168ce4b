"""A run worker killed between batches loses no batch, whatever way the run is started again."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from gogobe_dagster.commands.environment import clone_folder
from gogobe_dagster_tests.dagster_up import wait_until
from gogobe_dagster_tests.stage import YESTERDAY, Stage

CELL = f"keshet|{YESTERDAY}"
WAITS = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
Start = Callable[[Stage], "subprocess.Popen[bytes]"]


def worker(stage: Stage, module: str, *arguments: str | Path) -> "subprocess.Popen[bytes]":
    """Start the import of one cell in a session of its own, one file a batch."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments, CELL],
        env=stage.environment | {"GOGOBE_BATCH_FILES": "1", "GOGOBE_PARSE_WORKERS": "1"},
        cwd=clone_folder(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def with_processes(stage: Stage) -> "subprocess.Popen[bytes]":
    """A run whose steps have processes of their own."""
    return worker(stage, "gogobe_dagster.run_import", stage.settings.folder / "outcomes.jsonl")


def in_one_process(stage: Stage) -> "subprocess.Popen[bytes]":
    """A run of few files, as sensors ask for it."""
    return worker(stage, "gogobe_dagster_tests.defs.small_run")


def kill_with_steps(process: "subprocess.Popen[bytes]") -> None:
    for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        with suppress(psutil.NoSuchProcess):  # it went with the one killed before
            one.send_signal(signal.SIGKILL)
    process.wait(30)


def step_processes(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The processes that the fork server made."""
    made = psutil.Process(process.pid).children(recursive=True)
    servers = {one.pid for one in made if any("forkserver" in word for word in one.cmdline())}
    return [one for one in made if one.pid in servers and one.ppid() in servers]


def lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def count(stage: Stage, *states: str) -> int:
    files = stage.equipment.ledger.of_days("keshet", [YESTERDAY])
    return sum(file.state in states for file in files if file.kind and file.kind.document != "promotions")


@contextmanager
def held_in_a_batch(stage: Stage) -> Iterator[None]:
    """A lock holds a batch at its last statement, after others were done."""
    with psycopg.connect(stage.settings.database_url) as holder:
        wait_until(lambda: count(stage, "parsed") >= 1, seconds=120, what="a batch in the lake")
        holder.execute("lock table file in exclusive mode")
        wait_until(lambda: stage.query(WAITS), seconds=60, what="a batch that waits")
        yield


@pytest.mark.timeout(400)
@pytest.mark.parametrize("start", [with_processes, in_one_process])
def test_a_run_killed_in_a_batch_is_finished_by_the_next(on_stage: Stage, start: Start) -> None:
    """Batches were done before, one was at work, others had not begun."""
    on_stage.publish("keshet", stores=2, items=30)
    process = start(on_stage)
    with held_in_a_batch(on_stage):
        kill_with_steps(process)

    assert count(on_stage, "downloaded") > 1, "killed too late to prove anything"
    assert count(on_stage, "loaded") == 0
    assert "its process was gone" in on_stage.run("python", "-m", "gogobe_dagster.orphans").stdout
    assert on_stage.run("python", "-m", "gogobe_dagster.orphans").stdout == ""
    again = on_stage.run("python", "-m", "gogobe_dagster_tests.defs.again")
    assert again.stdout.endswith("failed"), "it would have called itself done without the lost batches"
    assert "planned files were in no batch that ran; run all steps again" in again.stderr
    assert count(on_stage, "downloaded") > 0
    assert count(on_stage, "loaded") == 0
    on_stage.import_cells(CELL)
    assert count(on_stage, "loaded") == count(on_stage, "loaded", "parsed", "downloaded", "discovered") > 0


STEPS = """
select step_key, dagster_event_type from event_logs
where step_key like 'parsed.parse_batch%%' and dagster_event_type in ('STEP_UP_FOR_RETRY', 'STEP_SUCCESS')
"""


@pytest.mark.timeout(400)
def test_a_batch_that_dies_in_the_middle_is_done_again_alone(on_stage: Stage) -> None:
    on_stage.publish("keshet", stores=2, items=30)
    process = with_processes(on_stage)
    with held_in_a_batch(on_stage):
        (step,) = step_processes(process)
        step.kill()
        wait_until(lambda: not lives(step), seconds=30, what="its end")

    assert process.wait(240) == 0

    with psycopg.connect(on_stage.settings.dagster_database_url) as connection:
        events = connection.execute(STEPS).fetchall()
    retried = [step for step, event in events if event == "STEP_UP_FOR_RETRY"]
    done = [step for step, event in events if event == "STEP_SUCCESS"]
    assert len(retried) == 1
    assert len(done) == len(set(done)) > 3
    assert set(retried) < set(done)
    assert count(on_stage, "loaded") == count(on_stage, "loaded", "parsed", "downloaded", "discovered") > 0
