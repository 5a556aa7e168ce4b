"""How runs are launched: `GOGOBE_LAUNCHER` chooses, for the `run_launcher` of dagster.yaml.

`QueueLauncher` puts a run into the queue of the workers, and tells run monitoring whether its worker lives.
The other launchers are Dagster's own.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import dagster as dg
import yaml
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_shared.check import CheckError

from gogobe_dagster.dagster_runtime.environment import check_launcher, own_image
from gogobe_dagster.errors import SettingsError
from gogobe_dagster.postgres import run_queue
from gogobe_dagster.settings import Launcher, Settings

if TYPE_CHECKING:
    from procrastinate import App

IN_HAND = frozenset({"todo", "doing"})
"""States of a job that is not over."""


class ChosenLauncher(RunLauncher, ConfigurableClass):
    """What dagster.yaml names. It is never made: the launcher that the settings choose is."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing to configure: the settings say all."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Any:
        """Return the launcher that `GOGOBE_LAUNCHER` names."""
        settings = Settings.read()
        if settings.launcher is Launcher.WORKERS:
            return QueueLauncher.from_config_value(inst_data, config_value)
        if settings.launcher is Launcher.K8S:
            return _pod_launcher(settings)
        return DefaultRunLauncher.from_config_value(inst_data, config_value)


def _pod_launcher(settings: Settings) -> "RunLauncher[Any]":
    """Return Dagster's launcher of pods. Raises `SettingsError` if it is not installed or configured."""
    check_launcher(settings)
    assert settings.k8s_config  # noqa: S101 - it was checked
    from dagster_k8s import K8sRunLauncher
    from kubernetes.config import ConfigException

    try:
        given = yaml.safe_load(settings.k8s_config.read_text(encoding="utf-8")) or {}
        data = ConfigurableClassData("dagster_k8s", "K8sRunLauncher", yaml.safe_dump(given))
        launcher: K8sRunLauncher = data.rehydrate(as_type=K8sRunLauncher)
    except (OSError, yaml.YAMLError, dg.DagsterError, CheckError, ConfigException) as error:
        raise SettingsError(f"GOGOBE_K8S_CONFIG={settings.k8s_config}: {error}") from None
    if not (launcher.job_image or own_image()):  # a code server's is used first
        launcher.dispose()
        raise SettingsError(f"GOGOBE_K8S_CONFIG={settings.k8s_config} names no job_image, the image of runs")
    return launcher


class QueueLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Hands runs to workers, on this machine and on others, through the queue."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        """Connect to nothing yet: every run has a launcher that it does not use."""
        self._inst_data = inst_data
        self._settings = Settings.read()
        self._queue = run_queue.queue_name()  # now: the files may be replaced while this program runs
        super().__init__()  # type: ignore[no-untyped-call]  # Dagster's

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What dagster.yaml says."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing to configure: the settings say all."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        """Make a launcher."""
        return cls(inst_data=inst_data, **config_value)

    @cached_property
    def _tables(self) -> str:
        """Make the tables, once in the life of this launcher; return their schema."""
        run_queue.prepare(self._settings)
        return run_queue.SCHEMA

    @cached_property
    def _app(self) -> "App":
        from procrastinate import App, SyncPsycopgConnector

        assert self._tables  # noqa: S101 - they exist now
        connector = SyncPsycopgConnector(
            conninfo=run_queue.conninfo(self._settings), min_size=0, max_size=2, max_idle=60.0
        )
        app = App(connector=connector)
        app.open()
        return app

    def dispose(self) -> None:
        """Close the connections, if there are any."""
        if "_app" in vars(self):
            self._app.close()
            del self._app

    def launch_run(self, context: LaunchRunContext) -> None:
        """Put a run into the queue. Idempotent while it waits there."""
        from procrastinate.exceptions import AlreadyEnqueued

        run_id = context.dagster_run.run_id
        task = self._app.configure_task(
            run_queue.TASK, queue=self._queue, queueing_lock=run_id, allow_unknown=True
        )
        with suppress(AlreadyEnqueued):
            task.defer(run_id=run_id)
        version = run_queue.code_version()
        self._app.connector.get_sync_connector().execute_query(run_queue.NOTE_VERSION, version=version)

    def terminate(self, run_id: str) -> bool:
        """Cancel a run: one that waits ends now, one that is executed when its worker has stopped it."""
        run = self._instance.get_run_by_id(run_id)
        job = self._find(run_id) if run and not run.is_finished else None
        if run is None or job is None or job.status not in IN_HAND:
            return False
        self._instance.report_run_canceling(run)
        self._app.job_manager.cancel_job_by_id(job.id, abort=True)
        cancelled = self._find(run_id)
        if cancelled and cancelled.status == "cancelled":
            self._instance.report_run_canceled(run, "Canceled before a worker took it.")
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Heartbeats tell."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Tell whether the worker of a run lives. A run that no worker was asked to execute is not judged."""
        job = self._find(run.run_id)
        if job is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "not launched for a worker")
        if job.status == "todo" or (job.status == "doing" and job.alive):
            return CheckRunHealthResult(WorkerStatus.RUNNING, job.worker)
        if job.status == "doing":
            # should it live after all, such as a machine that was suspended, it stops this run
            self._app.job_manager.cancel_job_by_id(job.id, abort=True)
            return CheckRunHealthResult(WorkerStatus.FAILED, f"{job.worker} has not answered")
        return CheckRunHealthResult(WorkerStatus.FAILED, f"its job has {job.status}")

    def get_run_worker_debug_info(
        self,
        run: dg.DagsterRun,
        include_container_logs: bool | None = True,  # noqa: ARG002, FBT001, FBT002 - Dagster's
    ) -> str | None:
        """Tell why a run has not started."""
        job = self._find(run.run_id)
        if job is None or job.status != "todo":
            return None
        with run_queue.connect(self._settings) as connection:
            workers = run_queue.live_workers(connection)
        fitting = [worker for worker in workers if worker.version == run_queue.code_version()]
        return (
            f"{len(fitting)} workers of version {run_queue.code_version()} are running, and "
            f"{len(workers) - len(fitting)} of others: see `gogobe worker`"
        )

    def _find(self, run_id: str) -> run_queue.QueuedRun | None:
        assert self._tables  # noqa: S101 - they exist now
        with run_queue.connect(self._settings) as connection:
            return run_queue.find_run(connection, run_id)
