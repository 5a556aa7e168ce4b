"""How many steps may do the same thing at once, in all runs together: Dagster's pools and their limits.

Limits are kept in Dagster's storage; the settings are written there when `gogobe up` or an import starts, and
every night. A step that finds its pool full waits in its run, which keeps its place in the run queue.
"""

from collections.abc import Mapping

import dagster as dg

from gogobe_dagster.settings import Settings

PORTALS, WAREHOUSE = "portals", "warehouse"


def limits(settings: Settings) -> Mapping[str, int]:
    """Say how many steps each pool lets through."""
    return {PORTALS: settings.portal_steps, WAREHOUSE: settings.warehouse_steps}


def set_limits(instance: dg.DagsterInstance, settings: Settings) -> Mapping[str, int]:
    """Write the limits where all processes of this instance find them. Idempotent."""
    wanted = limits(settings)
    for pool, limit in wanted.items():
        instance.event_log_storage.set_concurrency_slots(pool, limit)
    return wanted
