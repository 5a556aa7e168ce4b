"""Opens the warehouse for a command: starts the database and creates its tables."""

import click

from gogobe_dagster.backup.restore_mark import check_restored
from gogobe_dagster.commands.waits import told_if_slow
from gogobe_dagster.postgres.server import ensure_running, prepare_home, warehouse_url
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings


def open_warehouse(settings: Settings) -> Resources:
    """Start the embedded PostgreSQL if it is used, migrate the tables, and return the resources.

    Idempotent, also when several commands do it at once. Raises `DatabaseUnavailable`, and `BackupError`
    while a backup is restored.
    """
    from gogobe_dagster.warehouse.schema.migrate import migrate

    check_restored(settings)
    if warning := prepare_home(settings):
        click.secho(warning, fg="yellow", err=True)
    with told_if_slow("PostgreSQL, which starts or recovers"):
        ensure_running(settings)
    with told_if_slow("the migration of the tables, here or in another command"):
        migrate(warehouse_url(settings))
    resources = Resources(settings)
    # connects now: threads that share the resources must not open one engine each
    _ = resources.engine
    return resources
