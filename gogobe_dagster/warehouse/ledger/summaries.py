"""Numbers about what the ledger and the tables hold, for people; nothing is decided by them."""

from collections.abc import Collection
from datetime import date

import sqlalchemy as sa

COUNTED = 100_000
"""Tables up to this number of rows are counted; above, the planner's estimate is near enough and free."""
REASONS = """
select counted.reason, sum(cast(counted.number as bigint)) from file, jsonb_each_text(
    case when jsonb_typeof(reject_reasons) = 'object' then reject_reasons end
) as counted (reason, number)
where feed = :feed and publication_day = any(:days) group by counted.reason
"""


def rejects_by_reason(engine: sa.Engine, feed: str, days: Collection[date]) -> dict[str, int]:
    """Return how many rows of a feed's days were refused, by reason."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text(REASONS), {"feed": feed, "days": list(days)}).all()
    return {str(reason): int(number) for reason, number in rows}


def table_rows(engine: sa.Engine, table: sa.Table) -> int:
    """Return how many rows a table has, about."""
    estimate = sa.text("select reltuples from pg_class where oid = cast(:name as regclass)")
    with engine.connect() as connection:
        rows = connection.execute(estimate, {"name": table.name}).scalar_one()
        if rows > COUNTED:
            return int(rows)
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
