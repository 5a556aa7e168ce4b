"""Imports that are forked from a process which has imported everything: 0.3 CPU s each instead of 9.

`python -m gogobe_dagster_tests.defs.forked_imports` forks the import of each partition that it reads, and
writes its process id, and its exit code when it has ended. Each does what `gogobe import` does, with all
steps in its own process.
"""

import os
import sys

import dagster as dg

from gogobe_dagster.dagster_runtime import preload
from gogobe_dagster.dagster_runtime.import_runner import run_partition
from gogobe_dagster.dagster_runtime.orphaned_runs import free_what_dead_runs_hold, imports_of_this_machine
from gogobe_dagster.defs.jobs import IN_PROCESS

PRELOADED = preload


def import_partition(partition: str) -> None:
    with dg.DagsterInstance.get() as instance:
        free_what_dead_runs_hold(instance, tags=imports_of_this_machine())
        outcome = run_partition(partition, instance, IN_PROCESS)
    os._exit(0 if outcome["success"] else 1)


def fork(partition: str) -> None:
    if child := os.fork():
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    else:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        import_partition(partition)


if __name__ == "__main__":
    for line in sys.stdin:
        fork(line.strip())
