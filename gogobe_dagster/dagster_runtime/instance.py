"""The Dagster instance of an installation, which dagster.yaml names as its `instance_class`."""

import os
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from gogobe_dagster.dagster_runtime.environment import DAGSTER_FOLDER, prepare_process
from gogobe_dagster.dagster_runtime.launchers import QueueLauncher

WAIT_FOR_WORKER_SECONDS = 7200
"""As long as the longest run may take. Runs whose worker is gone do not wait for this."""
RECYCLE_SECONDS = 600


class InstallationInstance(DagsterInstance):
    """An instance whose dagster.yaml also works where nobody has run `gogobe env`.

    It keeps a connection. Dagster's storage connects for every statement, which was more than half of the CPU
    time of a small run.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Make an instance as Dagster does."""
        super().__init__(*arguments, **options)
        self._databases: list[Any] = [self.run_storage, self.event_log_storage, self.schedule_storage]
        self._engine = _keeping_connections(self._databases[0].postgres_url)
        for database in self._databases:
            database._engine = self._engine  # noqa: SLF001 - Dagster has no setting for it

    def dispose(self) -> None:
        """Close the connections as well."""
        super().dispose()
        for engine in {self._engine, *(database._engine for database in self._databases)}:  # noqa: SLF001
            engine.dispose()

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """Return that there is nothing to configure.

        Dagster asks for this before it reads the variables that dagster.yaml names, in each process that
        reads that file. Where `gogobe` has started the process, they are set. Elsewhere they are set here,
        and the embedded PostgreSQL is started, as any `gogobe` command does.
        """
        if DAGSTER_FOLDER not in os.environ:
            from gogobe_dagster.settings import Settings

            prepare_process(Settings.read())
        return {}

    @property
    def run_monitoring_start_timeout_seconds(self) -> int:
        """How long a launched run may wait: for a worker that is free, longer than for its process."""
        configured = super().run_monitoring_start_timeout_seconds
        return WAIT_FOR_WORKER_SECONDS if isinstance(self.run_launcher, QueueLauncher) else configured

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, Any]:
        """Return Dagster's own defaults."""
        return InstanceRef.config_defaults(base_dir)


def _keeping_connections(url: str) -> sa.Engine:
    """Return an engine that keeps a connection; one that was lost is noticed and replaced."""
    return sa.create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        max_overflow=-1,
        pool_recycle=RECYCLE_SECONDS,
        pool_pre_ping=True,
    )
