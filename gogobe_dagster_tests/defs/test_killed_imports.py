"""An import that was killed does not keep the next one waiting, without a daemon that would clean up."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gogobe_dagster.dagster_runtime.environment import configuration_folder
from gogobe_dagster_tests.commands.running_up import started_below
from gogobe_dagster_tests.defs.test_lost_batches import kill_with_steps, partition
from gogobe_dagster_tests.import_env import ImportEnv
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow
WAIT = "Waiting for a slot of the pool portals, which runs of keshet|"
INTERRUPTED = (
    "gogobe: interrupted when 0 of 1 runs had ended; nothing goes on in the background, "
    "no file is loaded partially, and `gogobe import --feed keshet --day yesterday` continues"
)
UNHURRIED_SECONDS = 60
"""Twenty times what is promised: the machine may be busy. The portal keeps a step for ten minutes."""
SLOTS = "select step_key from concurrency_slots where run_id is not null"


def occupied_slots(env: ImportEnv) -> list[tuple[object, ...]]:
    """Return the occupied slots; the import creates Dagster's tables."""
    [(table,)] = env.query_dagster("select to_regclass('concurrency_slots')")
    return env.query_dagster(SLOTS) if table else []


def start_import(env: ImportEnv) -> "subprocess.Popen[bytes]":
    """Start an import in a session of its own; only one step may use portals at a time."""
    runner, outcomes = "gogobe_dagster.dagster_runtime.import_runner", env.settings.folder / "outcomes.jsonl"
    return subprocess.Popen(
        [sys.executable, "-m", runner, outcomes, partition()],
        env=env.environment | {"GOGOBE_MAX_PORTAL_STEPS": "1"},
        cwd=configuration_folder(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def interrupt_while_it_waits(env: ImportEnv) -> None:
    """An import that waits for the slot says so, and Ctrl-C ends it at once, its run included."""
    gogobe = Path(sys.executable).with_name("gogobe")
    output = env.settings.folder / "output"
    with (
        output.open("w") as terminal,
        subprocess.Popen(
            [gogobe, "import", "--feed", "keshet", "--day", "yesterday"],
            env=env.environment | {"GOGOBE_MAX_PORTAL_STEPS": "1", "COLUMNS": "300"},
            stdout=terminal,
            stderr=terminal,
        ) as waiting,
    ):
        wait_for_progress(lambda: WAIT in output.read_text(), what="what it waits for")

        waiting.send_signal(signal.SIGINT)

        began = time.monotonic()
        assert waiting.wait() == 1
        assert time.monotonic() - began < UNHURRIED_SECONDS
    assert INTERRUPTED in output.read_text()
    assert env.query_dagster("select status from runs order by id") == [("STARTED",), ("CANCELED",)]
    assert started_below(env.settings.folder) == []


@pytest.mark.timeout(900)
def test_the_pool_slot_of_a_killed_import_is_free_for_the_next(import_env: ImportEnv) -> None:
    import_env.publish("keshet", stores=1, items=5)
    import_env.replica.faults.switch_on("slow_page", feed="keshet", seconds=600)
    killed = start_import(import_env)
    wait_for_progress(lambda: occupied_slots(import_env), what="a step in the pool")
    interrupt_while_it_waits(import_env)
    kill_with_steps(killed)
    assert occupied_slots(import_env), "the slot was free anyway"
    import_env.replica.faults.switch_off()

    following = start_import(import_env)

    try:
        assert following.wait(300) == 0
    finally:
        if following.poll() is None:
            kill_with_steps(following)
    statuses = import_env.query_dagster("select status from runs order by id")
    assert statuses == [("FAILURE",), ("CANCELED",), ("SUCCESS",)]
    assert set(import_env.states("keshet").values()) == {"loaded"}
