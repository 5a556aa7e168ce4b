"""The months of price_history that are over: which there are, and the end of those that hold nothing more."""

import re
from datetime import UTC, date, datetime

import psycopg
import sqlalchemy as sa

from gogobe_dagster.warehouse.tables import price_history

_MONTHS = (
    "select inhrelid::regclass::text from pg_inherits where inhparent = 'price_history'::regclass order by 1"
)
_NAME = re.compile(r"price_history_(\d{4})_(\d{2})$")
PATIENCE = "3s"
"""How long dropping a month waits for loads that are under way; the next retention tries again."""


def old_months(engine: sa.Engine, before: datetime) -> list[sa.TableClause]:
    """Return the partitions all of whose periods began before this moment."""
    with engine.connect() as connection:
        names = connection.scalars(sa.text(_MONTHS)).all()
    return [_month(name) for name in names if _end(name) <= before]


def _month(name: str) -> sa.TableClause:
    return sa.table(name, *[sa.column(column.name, column.type) for column in price_history.columns])


def _end(name: str) -> datetime:
    named = _NAME.search(name)
    if named is None:
        raise ValueError(f"{name} is no month of price_history")
    year, month = int(named[1]), int(named[2])
    first = date(year + month // 12, month % 12 + 1, 1)
    return datetime(first.year, first.month, 1, tzinfo=UTC)


def drop_empty_months(engine: sa.Engine, before: datetime, *, dry_run: bool) -> tuple[int, int]:
    """Drop the old months without a row; return how many and their bytes. A month in use waits.

    Whoever needs the month again makes it again (`ensure_partitions`).
    """
    count = size = 0
    for month in old_months(engine, before):
        try:
            with engine.begin() as connection:
                gone = _size(connection, month, before) if dry_run else _drop(connection, month)
        except sa.exc.OperationalError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise
            continue
        if gone is not None:
            count, size = count + 1, size + gone
    return count, size


def _size(connection: sa.Connection, month: sa.TableClause, before: datetime | None = None) -> int | None:
    """Return the bytes of a month that has nothing to keep: no row, or none that has not ended before."""
    rows = sa.select(sa.literal(1)).select_from(month)
    if before is not None:
        rows = rows.where(month.c.valid_to.is_(None) | (month.c.valid_to >= before))
    if connection.scalar(sa.select(sa.exists(rows))):
        return None
    return int(connection.scalar(sa.text("select pg_total_relation_size(:name)"), {"name": month.name}) or 0)


def _drop(connection: sa.Connection, month: sa.TableClause) -> int | None:
    size = _size(connection, month)
    if size is None:
        return None
    connection.execute(sa.text(f"set local lock_timeout = '{PATIENCE}'"))
    # first the table of all months, as loads do
    for name in (price_history.name, month.name):
        connection.execute(sa.text(f"lock table only {name} in access exclusive mode"))
    if _size(connection, month) is None:
        return None
    connection.execute(sa.text(f"drop table {month.name}"))
    return size
