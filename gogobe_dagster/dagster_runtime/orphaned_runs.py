"""Marks orphaned runs as failed: Dagster considers them running, but their process is gone.

Dagster's default launcher does not check whether the process of a run is alive. After a power cut, such a run
stays STARTED until `max_runtime_seconds` and occupies a slot of the run queue and of the pools. Therefore
every command calls `free_what_dead_runs_hold` before it starts runs: `gogobe up` for all runs, the others
for those of imports on their machine. Locks and claims need nothing: they end with the connection.

Process ids say nothing of runs that workers execute, nor of imports on other machines: those are not judged.

A run is orphaned if none of the process ids in its log exists, or if they now belong to younger processes. If
it has none yet, the code server that should start it is asked. `python -m
gogobe_dagster.dagster_runtime.orphaned_runs` does this once; `--imports`, only for imports of this machine.
"""

import argparse
import json
import os
import socket
from collections.abc import Mapping
from contextlib import closing

import dagster as dg
import psutil

from gogobe_dagster.dagster_runtime.launchers import QueueLauncher
from gogobe_dagster.defs.pools import write_pool_limits
from gogobe_dagster.postgres.run_queue import queued_runs
from gogobe_dagster.settings import Launcher, Settings

ACTIVE_STATUSES = [
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.CANCELING,
]


HOST_TAG = "gogobe/host"
"""Tag of a run with the machine on which `gogobe import` executes it."""
GRPC_TAG = ".dagster/grpc_info"
"""Tag of a run with the address of the code server that starts it, as JSON."""


def imports_of_this_machine() -> Mapping[str, str]:
    """Return the tags of runs that `gogobe import` and `gogobe demo` execute on this machine."""
    return {HOST_TAG: socket.gethostname()}


def free_what_dead_runs_hold(instance: dg.DagsterInstance, *, tags: Mapping[str, str] | None = None) -> None:
    """Write the pool limits, mark orphaned runs as failed, and free their slots. Idempotent.

    `tags` restricts it to runs with these tags.
    """
    write_pool_limits(instance, Settings.read())
    for run_id in fail_orphaned_runs(instance, tags=tags):
        print(f"run {run_id}: marked as failed, its process is gone", flush=True)  # noqa: T201 - for the log


def fail_orphaned_runs(instance: dg.DagsterInstance, *, tags: Mapping[str, str] | None = None) -> list[str]:
    """Mark orphaned runs as failed, free their pool slots, and return their ids."""
    orphaned = []
    active = instance.get_runs(dg.RunsFilter(statuses=ACTIVE_STATUSES, tags=tags or {}))
    of_workers = queued_runs(Settings.read()) if active else set()
    for run in active:
        if run.run_id not in of_workers and _is_of_this_machine(run) and _is_orphaned(instance, run):
            message = f"Its process on {socket.gethostname()} is gone; the next run imports pending files."
            instance.report_run_failed(run, message)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            orphaned.append(run.run_id)
    return orphaned


def cancel_runs_of_this_process(instance: dg.DagsterInstance) -> None:
    """Mark the runs that this process executes as canceled, and free their pool slots."""
    active = instance.get_runs(dg.RunsFilter(statuses=ACTIVE_STATUSES, tags=imports_of_this_machine()))
    for run in active:
        if any(pid == os.getpid() for pid, _ in _processes(instance, run.run_id)):
            instance.report_run_canceled(run, "The import was interrupted; the next one continues.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _is_of_this_machine(run: dg.DagsterRun) -> bool:
    """Return whether its process would be here: an import says where it is, a code server is the head's.

    A run in a pod is not judged: run monitoring asks Kubernetes.
    """
    default = "" if Settings.read().launcher is Launcher.K8S else socket.gethostname()
    return run.tags.get(HOST_TAG, default) == socket.gethostname()


def _is_orphaned(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    if processes := _processes(instance, run.run_id):
        return not any(_is_alive(pid, logged_at) for pid, logged_at in processes)
    address = json.loads(run.tags.get(GRPC_TAG, "{}")).get("socket")
    if address:
        return not _listens(address)
    # launched for a worker, but in no queue any more: a backup was restored, or the daemon was killed
    return run.remote_job_origin is not None and isinstance(instance.run_launcher, QueueLauncher)


def _listens(address: str) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as client:
        return client.connect_ex(address) == 0


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
    parser = argparse.ArgumentParser()
    parser.add_argument("--imports", action="store_true")
    only = imports_of_this_machine() if parser.parse_args().imports else None
    with dg.DagsterInstance.get() as an_instance:
        free_what_dead_runs_hold(an_instance, tags=only)
