"""A job of one step that reports how many modules its process imports beside the preloaded ones."""

import sys

import dagster as dg

from gogobe_dagster.defs.jobs import executor
from gogobe_dagster.settings import Settings


@dg.op
def count_modules() -> int:
    """Count what this process has imported that the fork server had not."""
    from gogobe_dagster.dagster_runtime import preload

    return len(set(sys.modules) - preload.PRELOADED)


@dg.job(executor_def=executor(Settings.read()))
def probe() -> None:
    """Run the one step."""
    count_modules()


def probe_job() -> dg.JobDefinition:
    """Return the job; step processes find it by this function's name."""
    return probe


if __name__ == "__main__":
    with (
        dg.DagsterInstance.get() as instance,
        dg.execute_job(dg.reconstructable(probe_job), instance=instance) as result,
    ):
        print(result.output_for_node("count_modules"))  # noqa: T201 - the answer to the test
