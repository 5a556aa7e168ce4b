"""The environment variables that `dagster`, `dg` and `psql` need for this installation.

Computed from the settings; nothing is started or written.
"""

from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from gogobe_dagster.errors import SettingsError
from gogobe_dagster.postgres.server import dagster_url, warehouse_url
from gogobe_dagster.settings import Settings

LIBPQ = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
}


def process_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that a child process needs in addition to those of this process."""
    warehouse = warehouse_url(settings)
    connection = conninfo_to_dict(warehouse)
    return {
        "DAGSTER_HOME": str(clone_folder()),
        "GOGOBE_HOME": str(settings.folder),
        "GOGOBE_DATABASE_URL": warehouse,
        "GOGOBE_DAGSTER_DATABASE_URL": dagster_url(settings),
        "GOGOBE_DAGSTER_FOLDER": str(settings.folder / "dagster"),
        "GOGOBE_MAX_CONCURRENT_RUNS": str(settings.max_concurrent_runs),
        **{name: str(connection[key]) for key, name in LIBPQ.items() if connection.get(key)},
    }


def clone_folder() -> Path:
    """Return the folder with dagster.yaml and workspace.yaml: the clone, or the current folder."""
    for folder in (Path(__file__).parents[2], Path.cwd()):
        if (folder / "dagster.yaml").is_file():
            return folder
    raise SettingsError(
        f"no dagster.yaml in {Path.cwd()}: run this command in a clone of the project, or in a folder "
        "with copies of its dagster.yaml and workspace files"
    )
