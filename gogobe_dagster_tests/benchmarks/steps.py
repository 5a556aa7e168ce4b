"""The cost of one more step, measured with jobs of empty steps and the import job's executor.

`python -m gogobe_dagster_tests.benchmarks.steps 12` prints the CPU seconds of all its processes.
"""

import os
import sys

import dagster as dg
import psutil

from gogobe_dagster.defs.jobs import executor
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.import_env import ImportEnv

FEW, MANY = 2, 12


@dg.op
def do_nothing() -> None:
    """Do nothing."""


def job() -> dg.JobDefinition:
    """Return the job; step processes find it by this function's name and the environment."""

    @dg.job(name="nothing", executor_def=executor(Settings.read()))
    def nothing() -> None:
        for number in range(int(os.environ["STEPS"])):
            do_nothing.alias(f"step_{number}")()

    return nothing


def cost_of_a_step(env: ImportEnv) -> float:
    """Return the CPU seconds of one additional step."""
    return (_seconds(env, MANY) - _seconds(env, FEW)) / (MANY - FEW)


def _seconds(env: ImportEnv, steps: int) -> float:
    ended = env.run("python", "-m", "gogobe_dagster_tests.benchmarks.steps", str(steps))
    return float(ended.stdout.split()[-1])


def _used() -> float:
    """Return the CPU seconds of this process and its descendants, including steps that have ended."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    times = [process.cpu_times() for process in processes]
    return float(sum(time.user + time.system + time.children_user + time.children_system for time in times))


if __name__ == "__main__":
    os.environ["STEPS"] = sys.argv[1]
    with (
        dg.DagsterInstance.get() as instance,
        dg.execute_job(dg.reconstructable(job), instance=instance) as result,
    ):
        assert result.success
        print(_used())
