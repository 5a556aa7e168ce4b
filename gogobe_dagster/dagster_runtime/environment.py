"""The environment variables that `dagster`, `dg` and `psql` need for this installation."""

import os
from collections.abc import Collection
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gogobe_dagster.backup.restore_mark import check_restored
from gogobe_dagster.errors import DatabaseUnavailable, SettingsError
from gogobe_dagster.postgres.server import dagster_url, ensure_running, prepare_home, warehouse_url
from gogobe_dagster.settings import OLDEST_DAY, PREFIX, Launcher, Settings

DAGSTER_FOLDER = "GOGOBE_DAGSTER_FOLDER"
LAUNCHER = "GOGOBE_LAUNCHER"
CONNECT_SECONDS = 10
OLDEST = """
select publication_day from file where state in ('discovered', 'downloaded', 'parsed', 'loaded')
order by publication_day limit 1
"""
LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
}


def process_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that a child process needs in addition to those of this process.

    Computed from the settings; nothing is started or written.
    """
    warehouse = warehouse_url(settings)
    connection = conninfo_to_dict(warehouse)
    return {
        "DAGSTER_HOME": str(configuration_folder()),
        "GOGOBE_HOME": str(settings.folder),
        "GOGOBE_DATABASE_URL": warehouse,
        "GOGOBE_DAGSTER_DATABASE_URL": dagster_url(settings),
        DAGSTER_FOLDER: str(settings.folder / "dagster"),
        "GOGOBE_MAX_CONCURRENT_RUNS": str(settings.max_concurrent_runs),
        **({LAUNCHER: settings.launcher.value} if settings.launcher else {}),
        **{name: str(connection[key]) for key, name in LIBPQ.items() if connection.get(key)},
    }


def environment_with_days(settings: Settings, days: Collection[date] = ()) -> dict[str, str]:
    """Return the same variables, and from which day on the processes have partitions.

    That is the publication day of the oldest file in the ledger, or the oldest of `days`. The warehouse's
    server must be running. Raises `DatabaseUnavailable`.
    """
    oldest = min([*_oldest_day(warehouse_url(settings)), *days], default=None)
    return process_environment(settings) | ({PREFIX + OLDEST_DAY: oldest.isoformat()} if oldest else {})


def _oldest_day(warehouse: str) -> Collection[date]:
    """Return the oldest publication day of which a file is imported; () if there is none yet."""
    try:
        with psycopg.connect(warehouse, connect_timeout=CONNECT_SECONDS) as connection:
            return connection.execute(OLDEST).fetchone() or ()
    except psycopg.errors.UndefinedTable:  # nobody has imported anything
        return ()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).splitlines()[0]) from None


def configuration_folder() -> Path:
    """Return the folder with dagster.yaml and the workspace files.

    In a clone it is the clone, elsewhere the current folder if it has a dagster.yaml, so that an
    installation can have its own, and else the copies in the installed package.
    """
    clone, installed = Path(__file__).parents[2], Path(__file__).with_name("configuration")
    return next((folder for folder in (clone, Path.cwd()) if (folder / "dagster.yaml").is_file()), installed)


def check_launcher(settings: Settings) -> None:
    """Raise `SettingsError` if the launcher that the settings choose is not installed or configured."""
    if settings.launcher is not Launcher.K8S:
        return
    if find_spec("dagster_k8s") is None:
        raise SettingsError("GOGOBE_LAUNCHER=k8s needs the extra `k8s`: pip install 'gogobe-dagster[k8s]'")
    if settings.k8s_config is None:
        raise SettingsError("GOGOBE_LAUNCHER=k8s: GOGOBE_K8S_CONFIG names no file (docs/deploy.md)")


def own_image() -> str | None:
    """Return the image in which this process runs, as Dagster tells it; None where it does not."""
    return os.environ.get("DAGSTER_CURRENT_IMAGE") or None


def prepare_process(settings: Settings) -> None:
    """Start the databases, create their tables, and set the variables that dagster.yaml reads.

    For `dagster` and `dg` without `gogobe env`. Idempotent. Raises `DatabaseUnavailable`, and `BackupError`
    while a backup is restored.
    """
    from gogobe_dagster.warehouse.schema.migrate import migrate

    check_restored(settings)
    prepare_home(settings)
    ensure_running(settings)
    migrate(warehouse_url(settings))
    environment = environment_with_days(settings)
    Path(environment[DAGSTER_FOLDER]).mkdir(parents=True, exist_ok=True)
    os.environ.update(environment)
