"""Runs that Dagster believes to be running and whose process is gone, marked as failed.

Dagster's default launcher does not look whether a run's process still lives: after a power cut such a run
stays STARTED until `max_runtime_seconds`, and holds one of the queue's places.
`python -m gogobe_dagster.dagster_runtime.orphaned_runs` is what `gogobe up` does first. Only runs of this
machine's processes are judged: those whose own log names a process id that no process has, or that a
younger process has. The same start writes the limits of the pools where every process finds them.
"""

import socket

import dagster as dg
import psutil

from gogobe_dagster.defs.pools import write_pool_limits
from gogobe_dagster.settings import Settings

BELIEVED_ALIVE = [
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.CANCELING,
]


def fail_orphans(instance: dg.DagsterInstance) -> list[str]:
    """Mark the runs as failed whose process is gone; return their ids. Idempotent."""
    orphans = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=BELIEVED_ALIVE)):
        run_id = record.dagster_run.run_id
        processes = _processes(instance, run_id)
        if processes and not any(_lives(pid, seen_at) for pid, seen_at in processes):
            words = f"Its process on {socket.gethostname()} is gone; pending files are taken by the next run."
            instance.report_run_failed(record.dagster_run, words)
            instance.event_log_storage.free_concurrency_slots_for_run(run_id)
            orphans.append(run_id)
    return orphans


def _processes(instance: dg.DagsterInstance, run_id: str) -> list[tuple[int, float]]:
    """Return the process ids that a run's log names, and when it did."""
    found = []
    for entry in instance.all_logs(run_id):
        event = entry.dagster_event
        metadata = event.engine_event_data.metadata if event and event.is_engine_event else {}
        pid = metadata.get("pid")
        if pid is not None and str(pid.value).isdigit():
            found.append((int(str(pid.value)), entry.timestamp))
    return found


def _lives(pid: int, seen_at: float) -> bool:
    """Whether that very process runs: one that began after the log named it is another with its number."""
    try:
        process = psutil.Process(pid)
        is_it = process.create_time() <= seen_at + 1
        return is_it and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    with dg.DagsterInstance.get() as here:
        write_pool_limits(here, Settings.read())
        for orphan in fail_orphans(here):
            print(f"run {orphan}: its process was gone")  # noqa: T201 - told to whoever starts us
