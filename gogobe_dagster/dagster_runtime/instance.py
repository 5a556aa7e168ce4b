"""The Dagster instance of an installation, which dagster.yaml names as its `instance_class`."""

import os
from collections.abc import Mapping
from typing import Any

from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from gogobe_dagster.dagster_runtime.environment import DAGSTER_FOLDER, prepare_process
from gogobe_dagster.dagster_runtime.launchers import QueueLauncher

WAIT_FOR_WORKER_SECONDS = 7200
"""As long as the longest run may take. Runs whose worker is gone do not wait for this."""


class InstallationInstance(DagsterInstance):
    """An instance whose dagster.yaml also works where nobody has run `gogobe env`."""

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
