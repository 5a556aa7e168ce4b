"""Dagster's concurrency pools: how many steps of a kind may run at once, over all runs together.

Dagster keeps the limits in its database. They are written there from the settings when `gogobe up` or an
import starts, and every night; where a cluster has a head (docs/cluster.md), from that machine's settings
alone. A step whose pool is full waits inside its run, which keeps its slot in the run queue.
"""

from collections.abc import Mapping

import dagster as dg

from gogobe_dagster.postgres.run_queue import head_elsewhere
from gogobe_dagster.settings import Settings

PORTALS, WAREHOUSE = "portals", "warehouse"


def pool_limits(settings: Settings) -> Mapping[str, int]:
    """Return the limit of each pool."""
    return {PORTALS: settings.max_portal_steps, WAREHOUSE: settings.max_warehouse_steps}


def write_pool_limits(instance: dg.DagsterInstance, settings: Settings) -> Mapping[str, int]:
    """Write the limits into the instance's database, and return what holds. Idempotent.

    On a machine that is not the head of its cluster, nothing is written.
    """
    storage = instance.event_log_storage
    if head_elsewhere(settings) is None:
        for pool, limit in pool_limits(settings).items():
            storage.set_concurrency_slots(pool, limit)
    return {pool.name: pool.limit for pool in storage.get_pool_limits() if pool.limit is not None}
