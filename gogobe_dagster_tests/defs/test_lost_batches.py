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

from gogobe_dagster.dagster_runtime.environment import configuration_folder
from gogobe_dagster_tests.import_env import ImportEnv, yesterday
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow

WAITS = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
Start = Callable[[ImportEnv], "subprocess.Popen[bytes]"]


def partition() -> str:
    return f"keshet|{yesterday()}"


def worker(env: ImportEnv, module: str, *arguments: str | Path) -> "subprocess.Popen[bytes]":
    """Start the import of one partition in a session of its own, one file a batch."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments, partition()],
        env=env.environment | {"GOGOBE_BATCH_FILES": "1", "GOGOBE_PARSE_WORKERS": "1"},
        cwd=configuration_folder(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def with_processes(env: ImportEnv) -> "subprocess.Popen[bytes]":
    """A run whose steps have processes of their own."""
    return worker(env, "gogobe_dagster.dagster_runtime.import_runner", env.settings.folder / "outcomes.jsonl")


def in_one_process(env: ImportEnv) -> "subprocess.Popen[bytes]":
    """A run of few files, as sensors ask for it."""
    return worker(env, "gogobe_dagster_tests.defs.small_run")


def kill_with_steps(process: "subprocess.Popen[bytes]") -> None:
    for doomed in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        with suppress(psutil.NoSuchProcess):  # it went with the one killed before
            doomed.send_signal(signal.SIGKILL)
    process.wait(30)


def step_processes(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The processes that the fork server made."""
    started = psutil.Process(process.pid).children(recursive=True)
    servers = {child.pid for child in started if any("forkserver" in part for part in child.cmdline())}
    return [child for child in started if child.pid in servers and child.ppid() in servers]


def lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def count(env: ImportEnv, *states: str) -> int:
    files = env.resources.ledger.of_days("keshet", [yesterday()])
    return sum(file.state in states for file in files if file.kind and file.kind.document != "promotions")


@contextmanager
def held_in_a_batch(env: ImportEnv) -> Iterator[None]:
    """A lock holds a batch at its last statement, after others were done."""
    with psycopg.connect(env.settings.database_url) as holder:
        wait_for_progress(
            lambda: count(env, "parsed") >= 1, what="a batch in the lake", progress=env.progress
        )
        holder.execute("lock table file in exclusive mode")
        wait_for_progress(lambda: env.query(WAITS), what="a batch that waits")
        yield


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("start", [with_processes, pytest.param(in_one_process, marks=pytest.mark.long)])
def test_a_run_killed_in_a_batch_is_finished_by_the_next(import_env: ImportEnv, start: Start) -> None:
    """Batches were done before, one was at work, others had not begun."""
    import_env.publish("keshet", stores=2, items=30)
    process = start(import_env)
    with held_in_a_batch(import_env):
        kill_with_steps(process)

    assert count(import_env, "downloaded") > 1, "killed too late to prove anything"
    assert count(import_env, "loaded") == 0
    assert (
        "marked as failed, its process is gone"
        in import_env.run("python", "-m", "gogobe_dagster.dagster_runtime.orphaned_runs").stdout
    )
    assert import_env.run("python", "-m", "gogobe_dagster.dagster_runtime.orphaned_runs").stdout == ""
    again = import_env.run("python", "-m", "gogobe_dagster_tests.defs.rerun_probe")
    assert again.stdout.endswith("failed"), "it would have called itself done without the lost batches"
    assert "planned files were in no batch that ran; re-execute all steps" in again.stderr
    assert count(import_env, "downloaded") > 0
    assert count(import_env, "loaded") == 0
    import_env.import_partitions(partition())
    assert (
        count(import_env, "loaded") == count(import_env, "loaded", "parsed", "downloaded", "discovered") > 0
    )


STEPS = """
select step_key, dagster_event_type from event_logs
where step_key like 'parsed.parse_batch%' and dagster_event_type in ('STEP_UP_FOR_RETRY', 'STEP_SUCCESS')
"""


@pytest.mark.timeout(1800)
def test_a_batch_that_dies_in_the_middle_is_done_again_alone(import_env: ImportEnv) -> None:
    import_env.publish("keshet", stores=2, items=30)
    process = with_processes(import_env)
    with held_in_a_batch(import_env):
        (step,) = step_processes(process)
        step.kill()
        wait_for_progress(lambda: not lives(step), what="the step's end")

    assert process.wait() == 0

    events = import_env.query_dagster(STEPS)
    retried = [step for step, event in events if event == "STEP_UP_FOR_RETRY"]
    done = [step for step, event in events if event == "STEP_SUCCESS"]
    assert len(retried) == 1
    assert len(done) == len(set(done)) > 3
    assert set(retried) < set(done)
    assert (
        count(import_env, "loaded") == count(import_env, "loaded", "parsed", "downloaded", "discovered") > 0
    )
