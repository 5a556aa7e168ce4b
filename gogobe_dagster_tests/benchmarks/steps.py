"""What one more step costs: a job of some steps that do nothing, under the import job's executor.

`python -m gogobe_dagster_tests.benchmarks.steps 12` prints the CPU seconds of everything together.
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
    """Return the CPU seconds of one step more."""
    return (_seconds(env, MANY) - _seconds(env, FEW)) / (MANY - FEW)


def _seconds(env: ImportEnv, steps: int) -> float:
    ended = env.run("python", "-m", "gogobe_dagster_tests.benchmarks.steps", str(steps))
    return float(ended.stdout.split()[-1])


def _used() -> float:
    """Sum up this process and those that live below it: the fork server, with the steps it has seen end."""
    everybody = [psutil.Process(), *psutil.Process().children(recursive=True)]
    times = [process.cpu_times() for process in everybody]
    return float(sum(one.user + one.system + one.children_user + one.children_system for one in times))


if __name__ == "__main__":
    os.environ["STEPS"] = sys.argv[1]
    with (
        dg.DagsterInstance.get() as instance,
        dg.execute_job(dg.reconstructable(job), instance=instance) as result,
    ):
        assert result.success
        print(_used())
