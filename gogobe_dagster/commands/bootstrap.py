"""Opening the warehouse for a command: a database that runs and has its tables."""

from gogobe_dagster.postgres.server import ensure_running, warehouse_url
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings


def open_warehouse(settings: Settings) -> Resources:
    """Start the embedded PostgreSQL if it is used, bring the tables up to date, and give the resources.

    Harmless when repeated or done by several commands at once. Raises `DatabaseUnavailable`.
    """
    from gogobe_dagster.warehouse.schema.migrate import migrate

    ensure_running(settings)
    migrate(warehouse_url(settings))
    resources = Resources(settings)
    # opened here once: threads that share the resources must not each open their own
    _ = resources.engine
    return resources
