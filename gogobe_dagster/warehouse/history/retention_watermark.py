"""How far back history can still be changed: the newest timestamp of what retention has removed.

Loads of late files share the lock `HISTORY`, retention takes it exclusively, until their transactions end.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from gogobe_dagster.warehouse.locks import AdvisoryLock, lock, share
from gogobe_dagster.warehouse.schema.tables import retention_watermark

LAKE, HISTORY, LEDGER = "lake", "history", "ledger"


def removed_until(connection: sa.Connection, *kinds: str) -> datetime | None:
    """Return the newest timestamp of what was removed, or None. It stays so until the transaction ends."""
    share(connection, AdvisoryLock.HISTORY)
    query = sa.select(sa.func.max(retention_watermark.c.removed_until)).where(
        retention_watermark.c.kind.in_(kinds)
    )
    watermark: datetime | None = connection.scalar(query)
    return watermark


def lock_history(connection: sa.Connection) -> None:
    """Wait for loads that change history and keep others from starting, so that it can be removed."""
    lock(connection, AdvisoryLock.HISTORY)


def raise_watermark(connection: sa.Connection, kind: str, removed_until: datetime) -> None:
    """Record what is being removed, in the same transaction or an earlier one."""
    lock_history(connection)
    upsert = insert(retention_watermark).values(kind=kind, removed_until=removed_until)
    higher = sa.func.greatest(retention_watermark.c.removed_until, upsert.excluded.removed_until)
    connection.execute(upsert.on_conflict_do_update(index_elements=["kind"], set_={"removed_until": higher}))
