"""Runs the import job for some partitions, one after another, in this process.

`python -m gogobe_dagster.dagster_runtime.import_runner OUTCOMES 'rami_levy|2026-11-23' …` writes one JSON
line per run to the file OUTCOMES. It is what `gogobe import` and `gogobe demo` start; the runs are
ordinary ones, recorded in Dagster's storage and seen in the web UI. Their steps share one fork server.
"""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from gogobe_dagster.definitions import defs
from gogobe_dagster.defs.jobs import IMPORT_JOB
from gogobe_dagster.defs.partitions import DAY, FEED
from gogobe_dagster.defs.pools import write_pool_limits
from gogobe_dagster.settings import Settings


def import_feed() -> dg.JobDefinition:
    """Return the import job; step processes find it by this function's name."""
    return defs.resolve_job_def(IMPORT_JOB)


def run_cell(
    cell: str, instance: dg.DagsterInstance, run_config: Mapping[str, Any] | None = None
) -> dict[str, object]:
    """Run one cell, `feed|day`, and say how it went."""
    feed, day = cell.split("|")
    tags = {"dagster/partition": cell, f"dagster/partition/{FEED}": feed, f"dagster/partition/{DAY}": day}
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
    """Say in a line why the first step failed that did; ours say what to do, a bug says its type."""
    for event in result.filter_events(lambda event: event.is_step_failure):
        failed = event.step_failure_data
        if failed.user_failure_data and failed.user_failure_data.description:
            return failed.user_failure_data.description
        error = failed.error and (failed.error.cause or failed.error)
        return error.message.strip() if error else ""
    return ""


def main(outcomes: Path, cells: list[str]) -> None:
    """Run every cell, and tell how each went as soon as it has ended."""
    with dg.DagsterInstance.get() as instance, outcomes.open("a", buffering=1) as told:
        write_pool_limits(instance, Settings.read())
        for cell in cells:
            told.write(json.dumps(run_cell(cell, instance)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
