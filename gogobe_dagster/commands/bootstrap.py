"""Opens the warehouse for a command: starts the database and creates its tables."""

from gogobe_dagster.backup.restore_mark import check_restored
from gogobe_dagster.postgres.server import ensure_running, warehouse_url
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings


def open_warehouse(settings: Settings) -> Resources:
    """Start the embedded PostgreSQL if it is used, migrate the tables, and return the resources.

    Idempotent, also when several commands do it at once. Raises `DatabaseUnavailable`, and `BackupError`
    while a backup is restored.
    """
    from gogobe_dagster.warehouse.schema.migrate import migrate

    check_restored(settings)
    ensure_running(settings)
    migrate(warehouse_url(settings))
    resources = Resources(settings)
    # connects now: threads that share the resources must not open one engine each
    _ = resources.engine
    return resources
