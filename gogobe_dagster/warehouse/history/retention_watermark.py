"""How far back the past can still be changed: what retention has removed leaves its newest moment behind.

Who changes the past and who removes it keep each other waiting until the end of their transactions: one
lock, shared by those who change. It is taken before those of tables and rows of the past.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gogobe_dagster.warehouse.schema.tables import retention_watermark

LAKE, HISTORY = "lake", "history"
_LOCK = 0x60_60_BE_04


def removed_until(connection: sa.Connection, *kinds: str) -> datetime | None:
    """Return the newest moment of what is gone, None: nothing is. It stays so until the transaction ends."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_LOCK)))
    query = sa.select(sa.func.max(retention_watermark.c.removed_until)).where(
        retention_watermark.c.kind.in_(kinds)
    )
    moment: datetime | None = connection.scalar(query)
    return moment


def hold_the_past(connection: sa.Connection) -> None:
    """Wait for those who change the past, and let nobody else begin, so that some of it can be removed."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def raise_horizon(connection: sa.Connection, kind: str, moment: datetime) -> None:
    """Note what goes, in the transaction in which it goes, or in one before."""
    hold_the_past(connection)
    upsert = insert(retention_watermark).values(kind=kind, removed_until=moment)
    higher = sa.func.greatest(retention_watermark.c.removed_until, upsert.excluded.removed_until)
    connection.execute(upsert.on_conflict_do_update(index_elements=["kind"], set_={"removed_until": higher}))
