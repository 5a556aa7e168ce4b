"""What each file of a dataset depends on, so that only what changed is written again.

A file of a day or month depends on every published file up to its end: a late one changes all later days of
its chain. Offers begin and end by the clock, so theirs are made again each day. Statistics are found after
their files are loaded, so how far they reach, and whether files wait for them, counts as well.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import psycopg

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.dataset.tables import CHAIN, DAY, FILE, MONTH, PROMOTIONS, DatasetTable
from gogobe_dagster.warehouse.history.retention_watermark import HISTORY

_LOADS = """
select f.chain_id, f.publication_day, count(*), max(f.loaded_at) from published_files f
join chain c on c.chain_id = f.chain_id
where f.state = 'loaded' and f.kind = any(%s) group by 1, 2 order by 1, 2
"""
_STATISTICS = """
select g.chain_id, g.until_day, min(d.since_day) from statistics_progress g
left join statistics_due d using (chain_id) group by 1, 2
"""
_REMOVED = "select max(removed_until) from retention_watermark where kind = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of a table."""

    path: str
    """Below the folder of the dataset."""
    table: DatasetTable
    made_from: str
    """Another text after every change of what the file depends on."""
    chain_id: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Loads:
    """The loads of a chain up to a day."""

    files: int
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class _Statistics:
    """How far the statistics of a chain reach."""

    until: date
    due_since: date | None
    """First day of what was loaded since; None: nothing was."""

    def text(self, end: date) -> str:
        """Return another text after every change of the days before one."""
        is_due = self.due_since is not None and self.due_since < end
        return f", statistics until {min(self.until, end)}{', files wait' if is_due else ''}"


def parts_of(cursor: psycopg.Cursor[Any], table: DatasetTable, *, today: date, days: int) -> Iterator[Part]:
    """Return the files that a table has now; of days, the last ones that are over.

    Days of which retention has removed prices are not among them: what is left looks like all there was.
    """
    loads, known_since = _loads(cursor, table.kinds), _known_since(cursor)
    statistics = _statistics(cursor) if table.is_statistics else {}
    if not table.parts:
        everything = [newest for by_day in loads.values() for newest in list(by_day.values())[-1:]]
        reached = {known.text(date.max) for known in statistics.values()}
        made_from = "".join((_text(everything), *sorted(reached)))
        yield Part(path=f"{table.name}/{FILE}", table=table, made_from=made_from)
        return
    for chain_id, by_day in loads.items():
        for start, end, name in _spans(table, min(by_day), known_since, today=today, days=days):
            known = [load for day, load in by_day.items() if day < end]
            more = f" on {today}" if table is PROMOTIONS else ""
            more += statistics[chain_id].text(end) if chain_id in statistics else ""
            yield Part(
                path=f"{table.name}/{name}{CHAIN}={chain_id}/{FILE}",
                table=table,
                made_from=f"{_text(known[-1:])}{more}",
                chain_id=chain_id,
                start=_midnight(start),
                end=_midnight(end),
            )


def _statistics(cursor: psycopg.Cursor[Any]) -> dict[str, _Statistics]:
    return {
        chain_id: _Statistics(until, due_since) for chain_id, until, due_since in cursor.execute(_STATISTICS)
    }


def _known_since(cursor: psycopg.Cursor[Any]) -> date:
    """Return the first day at whose end all prices are known."""
    [(removed_until,)] = cursor.execute(_REMOVED, [HISTORY]).fetchall()
    return day_of(removed_until) if removed_until else date.min


def _loads(cursor: psycopg.Cursor[Any], kinds: Sequence[str]) -> dict[str, dict[date, _Loads]]:
    """Return, for each chain and day, how many files up to this day are loaded, and when the last one was."""
    loads: dict[str, dict[date, _Loads]] = defaultdict(dict)
    for chain_id, day, files, loaded_at in cursor.execute(_LOADS, [list(kinds)]):
        before = next(reversed(loads[chain_id].values()), _Loads(0, loaded_at))
        loads[chain_id][day] = _Loads(before.files + files, max(before.loaded_at, loaded_at))
    return loads


def _spans(
    table: DatasetTable, first: date, known_since: date, *, today: date, days: int
) -> Iterator[tuple[date, date, str]]:
    """Return first day, the day after the last, and the name of the folder."""
    if DAY in table.parts:
        for back in range(min(days, (today - max(first, known_since)).days), 0, -1):
            day = today - timedelta(days=back)
            yield day, day + timedelta(days=1), f"{DAY}={day}/"
    elif MONTH in table.parts:
        month = first.replace(day=1)
        while month <= today:
            following = (month + timedelta(days=31)).replace(day=1)
            yield month, following, f"{MONTH}={month:%Y-%m}/"
            month = following
    else:
        yield first, date.max, ""


def _midnight(day: date) -> datetime:
    """The beginning of a day in Israel; the end of time is the same everywhere."""
    zone = None if day == date.max else ISRAEL
    return datetime.combine(day, time(), tzinfo=zone)


def _text(loads: Sequence[_Loads]) -> str:
    newest = max((load.loaded_at for load in loads), default=None)
    return f"{sum(load.files for load in loads)} files, {newest and newest.isoformat()}"
