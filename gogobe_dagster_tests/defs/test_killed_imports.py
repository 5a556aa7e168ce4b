"""An import that was killed does not keep the next one waiting, without a daemon that would clean up."""

import subprocess
import sys

import pytest

from gogobe_dagster.commands.environment import clone_folder
from gogobe_dagster_tests.defs.test_lost_batches import kill_with_steps, partition
from gogobe_dagster_tests.import_env import ImportEnv
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow
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
        cwd=clone_folder(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.timeout(900)
def test_the_pool_slot_of_a_killed_import_is_free_for_the_next(import_env: ImportEnv) -> None:
    import_env.publish("keshet", stores=1, items=5)
    import_env.replica.faults.switch_on("slow_page", feed="keshet", seconds=600)
    killed = start_import(import_env)
    wait_for_progress(lambda: occupied_slots(import_env), what="a step in the pool")
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
    assert statuses == [("FAILURE",), ("SUCCESS",)]
    assert set(import_env.states("keshet").values()) == {"loaded"}
