"""Marks orphaned runs as failed: Dagster considers them running, but their process is gone.

Dagster's default launcher does not check whether the process of a run is alive. After a power cut, such a run
stays STARTED until `max_runtime_seconds` and occupies a slot of the run queue and of the pools. `gogobe up`
therefore starts with `python -m gogobe_dagster.dagster_runtime.orphaned_runs`, and imports do the same for
runs of earlier imports on their machine. A run is orphaned if none of the process ids in
its log exists, or if they now belong to younger processes. The same program writes the pool limits.
"""

import socket
from collections.abc import Mapping

import dagster as dg
import psutil

from gogobe_dagster.defs.pools import write_pool_limits
from gogobe_dagster.settings import Settings

ACTIVE_STATUSES = [
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.CANCELING,
]


def fail_orphaned_runs(instance: dg.DagsterInstance, *, tags: Mapping[str, str] | None = None) -> list[str]:
    """Mark orphaned runs as failed, free their pool slots, and return their ids. Idempotent.

    `tags` restricts it to runs with these tags. Runs of other machines would look orphaned here.
    """
    orphaned = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=ACTIVE_STATUSES, tags=tags or {})):
        run_id = record.dagster_run.run_id
        processes = _processes(instance, run_id)
        if processes and not any(_is_alive(pid, logged_at) for pid, logged_at in processes):
            message = f"Its process on {socket.gethostname()} is gone; the next run imports pending files."
            instance.report_run_failed(record.dagster_run, message)
            instance.event_log_storage.free_concurrency_slots_for_run(run_id)
            orphaned.append(run_id)
    return orphaned


def _processes(instance: dg.DagsterInstance, run_id: str) -> list[tuple[int, float]]:
    """Return the process ids in a run's log, each with the time of the log entry."""
    found = []
    for entry in instance.all_logs(run_id):
        event = entry.dagster_event
        metadata = event.engine_event_data.metadata if event and event.is_engine_event else {}
        pid = metadata.get("pid")
        if pid is not None and str(pid.value).isdigit():
            found.append((int(str(pid.value)), entry.timestamp))
    return found


def _is_alive(pid: int, logged_at: float) -> bool:
    """Return whether the process is running; one that started after the log entry is another process."""
    try:
        process = psutil.Process(pid)
        is_same = process.create_time() <= logged_at + 1
        return is_same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        write_pool_limits(instance, Settings.read())
        for run_id in fail_orphaned_runs(instance):
            print(f"run {run_id}: marked as failed, its process is gone")  # noqa: T201 - a program's output
