"""The monthly partitions of price_history, made before the rows come."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import sqlalchemy as sa

from gogobe_dagster.warehouse.migrate import LOCK


def ensure_partitions(engine: sa.Engine, moments: Iterable[datetime]) -> None:
    """Make the partitions that hold these moments, and the one of the month after the last of them.

    In a transaction of its own, and attached rather than created in place: that does not wait for loads
    that are under way, nor they for it.
    """
    months = {moment.astimezone(UTC).date().replace(day=1) for moment in moments}
    wanted = months | {_next(max(months))} if months else set()
    with engine.begin() as connection:
        missing = [month for month in sorted(wanted) if not _exists(connection, month)]
        if missing:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            for month in missing:
                _make(connection, month)


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _name(month: date) -> str:
    return f"price_history_{month:%Y_%m}"


def _exists(connection: sa.Connection, month: date) -> bool:
    return connection.scalar(sa.select(sa.func.to_regclass(_name(month)))) is not None


def _make(connection: sa.Connection, month: date) -> None:
    if _exists(connection, month):  # another process was faster
        return
    name, bounds = _name(month), f"from ('{month} 00:00+00') to ('{_next(month)} 00:00+00')"
    for statement in (
        f"create table {name} (like price_history including all) with (fillfactor = 90)",
        f"alter table price_history attach partition {name} for values {bounds}",
        f"comment on table {name} is 'Periods that began in {month:%Y-%m} (UTC).'",
    ):
        connection.execute(sa.text(statement))
