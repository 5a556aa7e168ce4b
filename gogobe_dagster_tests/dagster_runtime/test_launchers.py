"""What the launcher for workers tells Dagster about runs, from the queue alone: no worker is running."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.utils import make_new_run_id

from gogobe_dagster.dagster_runtime.launchers import QueueLauncher
from gogobe_dagster.dagster_runtime.orphaned_runs import HOST_TAG, fail_orphaned_runs
from gogobe_dagster.postgres.run_queue import STALE_SECONDS
from gogobe_dagster_tests.import_env import ImportEnv

pytestmark = pytest.mark.slow

NO_PROCESS = 2**22 + 1
"""Larger than any process id of Linux."""
TAKE = f"""
set search_path = run_queue;
with w as (
    insert into run_queue.procrastinate_workers (last_heartbeat)
    values (now() - interval '{STALE_SECONDS + 1} s') returning id)
update run_queue.procrastinate_jobs set status = 'doing', worker_id = w.id from w returning w.id
"""
HEARTBEAT = "update run_queue.procrastinate_workers set last_heartbeat = now() returning id"
CUT_OFF = """
select count(pg_terminate_backend(pid, 60000)) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and application_name = ''
"""
JOBS = "select status::text, abort_requested from run_queue.procrastinate_jobs order by id"


@dataclass(frozen=True)
class Launching:
    """An instance with the launcher for workers."""

    env: ImportEnv
    instance: dg.DagsterInstance

    @property
    def launcher(self) -> QueueLauncher:
        launcher = self.instance.run_launcher
        assert isinstance(launcher, QueueLauncher)
        return launcher

    def run(self, status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTING, **tags: str) -> dg.DagsterRun:
        """Make a run whose process, if it ever had one, is gone."""
        run = self.instance.create_run_for_job(_nothing, status=status, tags=tags)
        self.instance.report_engine_event(
            "Started process for run.", run, EngineEventData({"pid": str(NO_PROCESS)})
        )
        return run

    def launched_for_a_worker(self) -> dg.DagsterRun:
        """Make a run that the daemon has launched, and that is not in the queue."""
        location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("gogobe_dagster"), "__repository__")
        run = dg.DagsterRun(
            job_name="nothing",
            run_id=make_new_run_id(),
            status=dg.DagsterRunStatus.STARTING,
            remote_job_origin=RemoteJobOrigin(location, "nothing"),
        )
        return self.instance.add_run(run)

    def health(self, run: dg.DagsterRun) -> WorkerStatus:
        return self.launcher.check_run_worker_health(run).status

    def launch(self, run: dg.DagsterRun) -> None:
        self.launcher.launch_run(LaunchRunContext(run, workspace=None))

    def jobs(self) -> list[tuple[Any, ...]]:
        return self.env.query_dagster(JOBS)

    def status(self, run: dg.DagsterRun) -> dg.DagsterRunStatus:
        current = self.instance.get_run_by_id(run.run_id)
        assert current
        return current.status


@dg.job
def _nothing() -> None:
    pass


@pytest.fixture
def launching(import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launching]:
    for name, value in import_env.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GOGOBE_LAUNCHER", "workers")
    with dg.DagsterInstance.get() as instance:
        yield Launching(import_env, instance)


def test_runs_without_a_process_are_judged_by_their_workers_alone(
    launching: Launching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One instance for all, as making its tables takes seconds."""
    run = launching.run()
    launching.launch(run)
    launching.launch(run)
    assert launching.jobs() == [("todo", False)], "asked for twice, executed once"
    assert launching.health(run) is WorkerStatus.RUNNING, "it waits for a worker"
    assert "0 workers of version" in (launching.launcher.get_run_worker_debug_info(run) or "")

    launching.env.execute_dagster(TAKE)
    assert launching.health(run) is WorkerStatus.FAILED
    assert launching.jobs() == [("doing", True)], "a worker that lives after all stops the run"
    launching.env.execute_dagster(HEARTBEAT)
    assert launching.health(run) is WorkerStatus.RUNNING

    of_another_launcher = launching.run(dg.DagsterRunStatus.STARTED)
    assert launching.health(of_another_launcher) is WorkerStatus.RUNNING, "not its business"
    elsewhere = launching.run(dg.DagsterRunStatus.STARTED, **{HOST_TAG: "another-machine"})
    with monkeypatch.context() as in_pods:
        in_pods.setenv("GOGOBE_LAUNCHER", "k8s")
        assert fail_orphaned_runs(launching.instance) == [], "its process may live in a pod"
    assert fail_orphaned_runs(launching.instance) == [of_another_launcher.run_id]
    assert launching.status(run) is dg.DagsterRunStatus.STARTING
    assert launching.status(elsewhere) is dg.DagsterRunStatus.STARTED

    in_no_queue = launching.launched_for_a_worker()
    assert fail_orphaned_runs(launching.instance) == [in_no_queue.run_id], "such as after a restore"

    waiting = launching.run()
    launching.launch(waiting)
    assert launching.launcher.terminate(waiting.run_id)
    assert launching.status(waiting) is dg.DagsterRunStatus.CANCELED
    assert launching.jobs()[-1] == ("cancelled", True)
    assert not launching.launcher.terminate(waiting.run_id), "there is nothing to cancel any more"
    assert not launching.launcher.terminate(elsewhere.run_id)

    assert launching.env.query_dagster(CUT_OFF) == [(1,)], "one connection is kept"
    assert launching.status(waiting) is dg.DagsterRunStatus.CANCELED


def test_without_the_setting_runs_are_processes(
    import_env: ImportEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in import_env.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GOGOBE_LAUNCHER", raising=False)
    assert "GOGOBE_LAUNCHER" not in os.environ
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.run_launcher, DefaultRunLauncher)
