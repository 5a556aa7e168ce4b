"""An embedded server, a home and a replica for a benchmark, deleted afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from gogobe_dagster.dagster_runtime.environment import process_environment
from gogobe_dagster.postgres.server import embedded_server, ensure_running, warehouse_url
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.import_env import ImportEnv, open_import_env, yesterday
from gogobe_dagster_tests.postgres.servers import temporary_folder


@contextmanager
def home(**changes: Any) -> Iterator[ImportEnv]:
    """Set up an import environment with its own embedded server; `changes` are settings."""
    with temporary_folder() as folder:
        settings = Settings(home=folder / "home")
        ensure_running(settings)
        try:
            environment = process_environment(settings)
            urls = {
                "warehouse_url": warehouse_url(settings),
                "dagster_url": environment["GOGOBE_DAGSTER_DATABASE_URL"],
            }
            with open_import_env(
                folder / "home", **urls, first_day=yesterday() - timedelta(days=7), **changes
            ) as env:
                yield env
        finally:
            embedded_server(settings).stop()
