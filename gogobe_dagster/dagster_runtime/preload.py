"""Modules that the fork server imports once, so that a step starts in 0.3 s instead of 9 s.

Preloading only the code location leaves 2.5 s per step: each step lazily imports some 490 further modules
(measured with Dagster 1.13.27). Some names are private and may vanish with any release; a missing one is
skipped, and `test_a_step_starts_cheaply` fails if that matters. Nothing may be computed here: a process that
was forked after Polars' thread pool has run hangs.
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
    "dagster._core.storage.root",
    "dagster._core.executor.in_process",
    "dagster._core.executor.multiprocess",
    "dagster._core.definitions.repository_definition.repository_data_builder",
    "dagster._utils.test.definitions",
    "gogobe_dagster.dagster_runtime.compute_logs",
    "gogobe_dagster.dagster_runtime.instance",
    "gogobe_dagster.dagster_runtime.storage",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.system_config.composite_descent",
    "dagster._core.workspace.autodiscovery",
    "alembic.autogenerate",
    "alembic.command",
    "psycopg2.extras",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "encodings.utf_8_sig",
    "fsspec.implementations.local",
    "netrc",
    "numpy.ma",
    "upath.implementations.local",
    "watchdog.observers",
    "gogobe_dagster.pipeline",
    "gogobe_dagster.portals.factory",
    "gogobe_dagster.postgres.server",
    "gogobe_dagster.warehouse.ledger.ledger",
    "gogobe_dagster.warehouse.ledger.summaries",
    "gogobe_dagster.warehouse.schema.migrate",
)

for module in MODULES:
    with suppress(ModuleNotFoundError):
        importlib.import_module(module)

PRELOADED = frozenset(sys.modules)
"""The modules that each step starts with; a test limits how many more it imports."""
