"""One import run that works in a single process, as a sensor asks for it when few files wait.

`python -m gogobe_dagster_tests.defs.small_run 'keshet|2026-11-23'`
"""

import sys

import dagster as dg

from gogobe_dagster.dagster_runtime.import_runner import run_partition
from gogobe_dagster.defs.jobs import IN_PROCESS

if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        run_partition(sys.argv[1], instance, IN_PROCESS)
