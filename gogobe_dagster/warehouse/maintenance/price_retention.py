"""Removes old price periods: whole months of price_past are dropped; in the month of the limit, rows go."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import psycopg
import sqlalchemy as sa

from gogobe_dagster.warehouse.history.retention_watermark import HISTORY, lock_history, raise_watermark
from gogobe_dagster.warehouse.schema.tables import price_past

_MONTHS = (
    "select inhrelid::regclass::text from pg_inherits where inhparent = 'price_past'::regclass order by 1"
)
_NAME = re.compile(r"price_past_(\d{4})_(\d{2})$")
PATIENCE = "3s"
"""How long dropping a month waits for loads that are under way; the next retention tries again."""


def drop_months(engine: sa.Engine, before: datetime, *, dry_run: bool) -> tuple[int, int, int]:
    """Drop the months that are over; return how many, their bytes and their periods. Loads have precedence.

    A load that needs a month again creates it again (`ensure_partitions`).
    """
    months = size = periods = 0
    for month in _months(engine, before):
        try:
            with engine.begin() as connection:
                if not dry_run:
                    _take(connection, month)
                bytes_, number, newest = _contents(connection, month)
                if not dry_run:
                    _drop(connection, month, newest)
        except sa.exc.OperationalError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise
            break
        months, size, periods = months + 1, size + bytes_, periods + number
    return months, size, periods


def delete_periods(engine: sa.Engine, before: datetime, *, dry_run: bool) -> int:
    """Delete periods that ended before this time, in its month; return how many."""
    is_old = (price_past.c.valid_to >= _first_of_month(before)) & (price_past.c.valid_to < before)
    with engine.begin() as connection:
        if not dry_run:
            lock_history(connection)
        query = sa.select(sa.func.count(), sa.func.max(price_past.c.valid_to)).where(is_old)
        number, newest = connection.execute(query).one()
        if number and not dry_run:
            raise_watermark(connection, HISTORY, newest)
            connection.execute(sa.delete(price_past).where(is_old))
    return int(number)


def _months(engine: sa.Engine, before: datetime) -> Iterator[sa.TableClause]:
    """Yield the partitions whose periods all ended before this time."""
    with engine.connect() as connection:
        names = connection.scalars(sa.text(_MONTHS)).all()
    for name in names:
        named = _NAME.search(name)
        if named is None:
            raise ValueError(f"{name} is no month of price_past")
        if date(int(named[1]), int(named[2]), 1) < _first_of_month(before).date():
            yield sa.table(name, sa.column("valid_to", price_past.c.valid_to.type))


def _first_of_month(timestamp: datetime) -> datetime:
    """Return the beginning of a timestamp's month in UTC, like the partitions."""
    return timestamp.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _take(connection: sa.Connection, month: sa.TableClause) -> None:
    """Lock a month, and first the table of all months, as loads do."""
    connection.execute(sa.text(f"set local lock_timeout = '{PATIENCE}'"))
    lock_history(connection)
    for name in (price_past.name, month.name):
        connection.execute(sa.text(f"lock table only {name} in access exclusive mode"))


def _contents(connection: sa.Connection, month: sa.TableClause) -> tuple[int, int, datetime | None]:
    """Return a month's bytes, its periods and the end of the last one."""
    size = connection.scalar(sa.text("select pg_total_relation_size(:name)"), {"name": month.name})
    query = sa.select(sa.func.count(), sa.func.max(month.c.valid_to)).select_from(month)
    number, newest = connection.execute(query).one()
    return int(size or 0), int(number), newest


def _drop(connection: sa.Connection, month: sa.TableClause, newest: datetime | None) -> None:
    if newest is not None:
        raise_watermark(connection, HISTORY, newest)
    connection.execute(sa.text(f"drop table {month.name}"))
