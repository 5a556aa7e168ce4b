"""Brings all statistics up to date: what the nightly maintenance and `gogobe statistics` call."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from gogobe_dagster.clock import day_of
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.tables import chain
from gogobe_dagster.warehouse.statistics.daily import update_chain
from gogobe_dagster.warehouse.statistics.discounts import update_discounts
from gogobe_dagster.warehouse.statistics.price_index import update_index
from gogobe_dagster.warehouse.statistics.product_matches import propose_matches
from gogobe_dagster.warehouse.statistics.products import update_products


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What was found again."""

    chains: int
    days: int
    """Days of chains, in all."""


def update_statistics(engine: sa.Engine, *, now: datetime) -> Updated:
    """Find the statistics of all days that may have changed, until today. Idempotent; may be killed.

    Each chain is a transaction. Two updates at a time wait for each other.
    """
    today, firsts = day_of(now), []
    with engine.connect() as connection:
        chain_ids = connection.scalars(sa.select(chain.c.chain_id).order_by(chain.c.chain_id)).all()
    for chain_id in chain_ids:
        with engine.begin() as connection:
            first = update_chain(connection, chain_id, today=today)
            if first:
                update_discounts(connection, chain_id, today=today)
        firsts += [first] if first else []
    if firsts:
        with engine.begin() as connection:
            lock(connection, AdvisoryLock.STATISTICS)
            update_index(connection, since=min(firsts))
        update_products(engine)
        propose_matches(engine)
    return Updated(chains=len(firsts), days=sum((today - first).days + 1 for first in firsts))
