"""Imported once by the fork server, so that a step starts in a fraction of a second instead of nine.

Naming only the code location costs 2.5 s a step: a step imports some 490 further modules lazily
(measured with Dagster 1.13.27). The private names may go at any release; one that is gone is left out,
and `test_a_step_starts_cheaply` tells. Nothing here may compute: a fork of a process whose Polars
thread pool has run hangs.
"""

import importlib
import sys
from contextlib import suppress

MODULES = (
    "dagster_postgres",
    "dagster_postgres.event_log",
    "dagster_postgres.run_storage",
    "dagster_postgres.schedule_storage",
    "dagster._cli",
    "dagster._cli.api",
    "dagster._grpc",
    "dagster._core.instance.factory",
    "dagster._core.launcher.default_run_launcher",
    "dagster._core.storage.fs_io_manager",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.workspace.autodiscovery",
    "alembic.autogenerate",
    "alembic.command",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "fsspec.implementations.local",
    "upath.implementations.local",
    "watchdog.observers",
    "gogobe_dagster.pipeline",
    "gogobe_dagster.portals.factory",
    "gogobe_dagster.postgres.server",
    "gogobe_dagster.warehouse.schema.migrate",
)

for module in MODULES:
    with suppress(ModuleNotFoundError):
        importlib.import_module(module)

PRELOADED = frozenset(sys.modules)
"""What a step process has from the start; a test holds how much it must add."""
