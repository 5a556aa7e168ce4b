"""Imports that are killed again and again, at any time, load every file once and nothing else."""

import subprocess
from random import Random

import pytest

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.replica.generator.ground_truth import published_prices
from gogobe_dagster_tests.defs.test_killed_imports import start_import
from gogobe_dagster_tests.defs.test_lost_batches import kill_with_steps, partition
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = [pytest.mark.slow, pytest.mark.long]

KILLS = 8


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(25))
def test_killed_at_any_time_again_and_again(import_env: ImportEnv, seed: int) -> None:
    """The runner and its steps at once, as the kernel does when memory is short; load steps included."""
    market = import_env.publish("keshet", stores=2, items=30)
    chance = Random(seed)
    for _ in range(KILLS):
        kill_after(start_import(import_env), import_env, changes=chance.randrange(40))
    import_env.import_partitions(partition())

    assert set(import_env.states("keshet").values()) == {"loaded"}
    loaded = import_env.query(
        "select count(*), count(distinct file_id) from file_event where state = 'loaded'"
    )
    assert loaded[0][0] == loaded[0][1], "a file was loaded twice"
    truth = published_prices(market, find_feed("keshet"), now=midnight(), first_day=yesterday())
    assert import_env.prices("keshet") == {tuple(key): priced.price for key, priced in truth.items()}


def kill_after(process: "subprocess.Popen[bytes]", env: ImportEnv, *, changes: int) -> None:
    """Kill an import after so many changes, of files or of its run, or let it end before."""
    seen, before = 0, env.progress()

    def is_time() -> bool:
        nonlocal seen, before
        now = env.progress()
        seen, before = seen + (now != before), now
        return seen > changes or process.poll() is not None

    wait_for_progress(is_time, what="the import", progress=env.progress, poll_seconds=0.01)
    kill_with_steps(process)
