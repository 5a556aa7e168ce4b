"""Executes the import job for some partitions, one after another, in this process.

`python -m gogobe_dagster.dagster_runtime.import_runner OUTCOMES 'rami_levy|2026-11-23' …` writes one JSON
line per run to the file OUTCOMES; `--selection` restricts the runs to some files, as JSON. `gogobe import`
and `gogobe demo` start it. The runs are recorded in Dagster's storage and shown in the web UI like any
other; their steps share one fork server.
"""

import argparse
import json
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import dagster as dg
import psutil

from gogobe_dagster.dagster_runtime.orphaned_runs import (
    cancel_runs_of_this_process,
    free_what_dead_runs_hold,
    imports_of_this_machine,
)
from gogobe_dagster.definitions import defs
from gogobe_dagster.defs.jobs import IMPORT_JOB
from gogobe_dagster.defs.partitions import DAY_TAG, FEED_TAG
from gogobe_dagster.defs.selection import selection_config
from gogobe_dagster.files.selection import EVERYTHING, FileSelection


def import_feed() -> dg.JobDefinition:
    """Return the import job; step processes call this function to reconstruct it."""
    return defs.resolve_job_def(IMPORT_JOB)


def run_partition(
    partition: str, instance: dg.DagsterInstance, run_config: Mapping[str, Any] | None = None
) -> dict[str, object]:
    """Run the job for one partition, `feed|day`, and return the outcome."""
    feed, day = partition.split("|")
    tags = {"dagster/partition": partition, FEED_TAG: feed, DAY_TAG: day, **imports_of_this_machine()}
    started = time.monotonic()
    job = dg.reconstructable(import_feed)
    with dg.execute_job(job, instance=instance, tags=tags, run_config=run_config) as result:
        return {
            "feed": feed,
            "day": day,
            "run_id": result.run_id,
            "success": result.success,
            "seconds": round(time.monotonic() - started, 1),
            "reason": _first_failure(result),
        }


def _first_failure(result: dg.JobExecutionResult) -> str:
    """Return in one line why the first failed step failed; "" if none did."""
    for event in result.filter_events(lambda event: event.is_step_failure):
        failed = event.step_failure_data
        if failed.user_failure_data and failed.user_failure_data.description:
            return failed.user_failure_data.description
        error = failed.error and (failed.error.cause or failed.error)
        return error.message.strip() if error else ""
    return ""


def end_at_once_on_signal(instance: dg.DagsterInstance) -> None:
    """On SIGUSR1, end with all steps, and mark the run as canceled. Whatever is killed continues next time.

    Dagster replaces the handlers of SIGINT and SIGTERM while a run executes, waits for its steps, and goes on
    with the next run.
    """

    def end_at_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        try:
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            cancel_runs_of_this_process(instance)
        finally:
            os._exit(1)  # no clean-up that waits for steps

    signal.signal(signal.SIGUSR1, end_at_once)


def main(outcomes_file: Path, partitions: list[str], selection: FileSelection = EVERYTHING) -> None:
    """Run the job for each partition, and write each outcome when the run has ended."""
    run_config = selection_config(selection)
    with dg.DagsterInstance.get() as instance, outcomes_file.open("a", buffering=1) as outcomes:
        end_at_once_on_signal(instance)
        # without a daemon nobody else frees the pool slots of an import that was killed
        free_what_dead_runs_hold(instance, tags=imports_of_this_machine())
        for partition in partitions:
            outcomes.write(json.dumps(run_partition(partition, instance, run_config)) + "\n")


def _selection(text: str) -> FileSelection:
    return FileSelection.of_values(json.loads(text))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--selection", type=_selection, default=EVERYTHING)
    parser.add_argument("outcomes", type=Path)
    parser.add_argument("partitions", nargs="+")
    arguments = parser.parse_args()
    main(arguments.outcomes, arguments.partitions, arguments.selection)
