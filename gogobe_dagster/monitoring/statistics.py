"""Counts per day and per hour from the ledger, for charts. Whether they are plausible: `data_quality`."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

import sqlalchemy as sa

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document, FileKind
from gogobe_dagster.warehouse.ledger.model import LedgerFile

DAYS = 14
ROWS = """
select publication_day, sum(rows) as rows from file
where feed = :feed and publication_day between :first and :last and kind = any(:kinds) and state = 'loaded'
group by publication_day
"""


def rows_by_day(engine: sa.Engine, feed: Feed, document: Document, *, until: date) -> dict[date, int]:
    """Return the loaded rows per publication day, for the last `DAYS` days; 0 for days without files."""
    days = [until - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    kinds = [kind.value for kind in FileKind if kind.document is document]
    values = {"feed": feed.key, "first": days[0], "last": until, "kinds": kinds}
    with engine.connect() as connection:
        found = {row.publication_day: int(row.rows or 0) for row in connection.execute(sa.text(ROWS), values)}
    return {day: found.get(day, 0) for day in days}


def files_by_hour(files: Iterable[LedgerFile]) -> dict[int, int]:
    """Count files by hour of publication, in Israel's time."""
    hours = Counter(file.published_at.astimezone(ISRAEL).hour for file in files if file.published_at)
    return {hour: hours[hour] for hour in range(24)}
