"""The monthly partitions of price_past, made before the rows come."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime

import sqlalchemy as sa

from gogobe_dagster.warehouse.locks import AdvisoryLock, lock


def ensure_partitions(engine: sa.Engine, timestamps: Iterable[datetime]) -> None:
    """Make the partitions that hold these timestamps, and the one of the month after the last of them.

    In a transaction of its own, and attached rather than created in place: that does not wait for loads
    that are under way, nor they for it.
    """
    months = {timestamp.astimezone(UTC).date().replace(day=1) for timestamp in timestamps}
    wanted = months | {_next(max(months))} if months else set()
    names = {_name(month): month for month in sorted(wanted)}
    with engine.begin() as connection:
        if names.keys() <= _existing(connection, names):
            return
        lock(connection, AdvisoryLock.SCHEMA)
        missing = names.keys() - _existing(connection, names)  # another process may have been faster
        for name in sorted(missing):
            connection.execute(sa.select(sa.func.add_price_past_month(names[name])))


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _name(month: date) -> str:
    return f"price_past_{month:%Y_%m}"


def _existing(connection: sa.Connection, names: Collection[str]) -> set[str]:
    # not to_regclass: it remembers that a name was not there, also after waiting for its maker
    query = sa.text("select relname from pg_class where relname = any(:names) and pg_table_is_visible(oid)")
    return set(connection.scalars(query, {"names": list(names)}))
