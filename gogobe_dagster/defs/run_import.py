"""Runs the import job for some cells of the grid, one after another, in this process.

`python -m gogobe_dagster.defs.run_import rami_levy|2026-11-23 …` prints a JSON line a run. It is what
`gogobe import` and `gogobe demo` start; the runs are ordinary ones, recorded in Dagster's storage and
seen in the web UI. Their steps share one fork server, so a run costs a fraction of a cold start.
"""

import json
import sys
import time

import dagster as dg

from gogobe_dagster.definitions import defs
from gogobe_dagster.defs.jobs import IMPORT_JOB
from gogobe_dagster.defs.partitions import DAY, FEED


def import_feed() -> dg.JobDefinition:
    """Return the import job; step processes find it by this function's name."""
    return defs.resolve_job_def(IMPORT_JOB)


def run_cell(cell: str, instance: dg.DagsterInstance) -> dict[str, object]:
    """Run one cell, `feed|day`, and say how it went."""
    feed, day = cell.split("|")
    tags = {"dagster/partition": cell, f"dagster/partition/{FEED}": feed, f"dagster/partition/{DAY}": day}
    started = time.monotonic()
    with dg.execute_job(dg.reconstructable(import_feed), instance=instance, tags=tags) as result:
        return {
            "feed": feed,
            "day": day,
            "run_id": result.run_id,
            "success": result.success,
            "seconds": round(time.monotonic() - started, 1),
        }


def main(cells: list[str]) -> int:
    """Run every cell; return the number of runs that failed."""
    failed = 0
    with dg.DagsterInstance.get() as instance:
        for cell in cells:
            outcome = run_cell(cell, instance)
            failed += not outcome["success"]
            print(json.dumps(outcome), flush=True)  # noqa: T201 - the protocol with the parent
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 100))
