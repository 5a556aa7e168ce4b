"""Opening the warehouse for a command: a database that runs and has its tables."""

from gogobe_dagster.equipment import Equipment
from gogobe_dagster.postgres import ensure_running, warehouse_url
from gogobe_dagster.settings import Settings


def open_warehouse(settings: Settings) -> Equipment:
    """Start the embedded PostgreSQL if it is used, bring the tables up to date, and give the equipment.

    Harmless when repeated or done by several commands at once. Raises `DatabaseUnavailable`.
    """
    from gogobe_dagster.warehouse.migrate import migrate

    ensure_running(settings)
    migrate(warehouse_url(settings))
    equipment = Equipment(settings)
    # opened here once: threads that share the equipment must not each open their own
    _ = equipment.engine
    return equipment
