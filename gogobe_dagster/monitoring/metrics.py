"""Metrics for Prometheus: what each means, and their values from the databases and the backups.

Nothing is counted while files are imported. A scrape reads a few short queries, from views as the reader and
from Dagster's database, and their values are kept for some seconds. A source that does not answer leaves its
metrics out and is 0 in `gogobe_source_up`; the others go on.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib.metadata import version
from threading import Lock
from typing import Final, Protocol

import psycopg
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg.rows import dict_row

from gogobe_dagster.backup.folder import BackupFolder, made_at
from gogobe_dagster.clock import day_of
from gogobe_dagster.errors import EXPECTED_CODES, GogobeError
from gogobe_dagster.feeds.registry import known_feed
from gogobe_dagster.monitoring.data_quality import is_late
from gogobe_dagster.postgres import run_queue
from gogobe_dagster.questions.reader import Reader, Row, open_reader
from gogobe_dagster.settings import Settings

DAYS: Final = 14
"""Publication days that are counted."""
LAG_WINDOW: Final = timedelta(hours=1)
STATES: Final = ("discovered", "downloaded", "parsed", "loaded", "superseded", "quarantined")
PERCENTILES: Final = (50, 95)

_DAYS = f"""
select feed, publication_day, {", ".join(STATES)}, rows, newest_full_at, last_loaded_at, last_listed_at,
    coalesce(extract(epoch from pending_age), 0) as pending_seconds
from feed_health where publication_day > :after
"""  # noqa: S608 - names of ours
_FAILED = """
select feed, code, count(*) as files from published_files
where publication_day > :after and state = 'quarantined' group by feed, code
"""
_LAG = f"""
select feed, percentile_cont(array[{", ".join(str(percent / 100) for percent in PERCENTILES)}])
    within group (order by extract(epoch from loaded_at - published_at)) as seconds
from published_files where publication_day > :after and state = 'loaded' and loaded_at > :since
    and published_at is not null
group by feed
"""  # noqa: S608 - numbers of ours
_RUN_STATUSES: Final = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
_HAS_TABLES = f"""
select to_regclass('public.runs') is not null as runs,
    to_regclass('{run_queue.SCHEMA}.worker') is not null as queue
"""
_RUNS = "select status, count(*) from public.runs where status = any(%s) group by status"
_HEARTBEAT = """
select extract(epoch from max("timestamp") at time zone 'utc') from public.daemon_heartbeats
"""
_WAITING = "select count(*) from procrastinate_jobs where task_name = %s and status = 'todo'"


@dataclass(frozen=True, slots=True)
class Definition:
    """A metric: its name as it is scraped, what it means, and its labels."""

    name: str
    meaning: str
    labels: Sequence[str] = ()

    @property
    def is_counter(self) -> bool:
        """Whether it only grows, by Prometheus' convention for names."""
        return self.name.endswith("_total")


_OF_DAYS = f"of the last {DAYS} publication days"
DEFINITIONS: Final = {
    definition.name: definition
    for definition in (
        Definition("gogobe_build_info", "Version of this program; always 1.", ["version"]),
        Definition(
            "gogobe_source_up",
            "Whether the warehouse, Dagster's database or the backups could be read; 1 or 0.",
            ["source"],
        ),
        Definition("gogobe_files", f"Files {_OF_DAYS}, by state.", ["feed", "state"]),
        Definition(
            "gogobe_failed_files",
            f"Quarantined files {_OF_DAYS}, by code, without those that are left out on purpose.",
            ["feed", "code"],
        ),
        Definition("gogobe_loaded_files_total", "Files loaded since this program started.", ["feed"]),
        Definition("gogobe_loaded_rows_total", "Rows loaded since this program started.", ["feed"]),
        Definition(
            "gogobe_pending_age_seconds",
            f"Time since the oldest file {_OF_DAYS} that is not finished was first listed; 0 = none.",
            ["feed"],
        ),
        Definition(
            "gogobe_load_lag_seconds",
            "Time from publication to the committed load, of files loaded in the last hour: percentiles.",
            ["feed", "percentile"],
        ),
        Definition(
            "gogobe_newest_full_prices_timestamp_seconds",
            "When the newest loaded full price file was published.",
            ["feed"],
        ),
        Definition("gogobe_last_load_timestamp_seconds", "When a file was last loaded.", ["feed"]),
        Definition(
            "gogobe_last_listing_timestamp_seconds",
            f"When a listing last contained a file {_OF_DAYS}.",
            ["feed"],
        ),
        Definition(
            "gogobe_feed_late",
            "Whether the newest full price file is too old, rest days considered; 1 or 0.",
            ["feed"],
        ),
        Definition("gogobe_runs", "Runs of Dagster that have not ended, by status.", ["status"]),
        Definition("gogobe_daemon_heartbeat_timestamp_seconds", "When the daemon last said that it lives."),
        Definition("gogobe_workers", "Workers with a recent heartbeat.", ["host"]),
        Definition("gogobe_worker_slots", "Runs that the workers can execute at the same time.", ["host"]),
        Definition("gogobe_worker_busy_slots", "Runs that the workers execute now.", ["host"]),
        Definition("gogobe_queue_waiting_runs", "Launched runs that no worker has taken yet."),
        Definition(
            "gogobe_backup_timestamp_seconds",
            "When the newest complete backup was begun; 0 = there is none. Only with `GOGOBE_BACKUP_FOLDER`.",
        ),
    )
}

Sample = tuple[str, Sequence[str], float]
"""Name, values of the labels, value."""


class Source(Protocol):
    """Where values come from."""

    name: str
    seconds: float
    """How long they are kept."""

    def read(self, now: datetime) -> Iterable[Sample]:
        """Read them. Raises `GogobeError` or `psycopg.Error`."""

    def close(self) -> None:
        """Close connections. Idempotent."""


@dataclass(slots=True)
class Warehouse:
    """Feeds and files, from the views and as the role of people who ask questions."""

    settings: Settings
    name: str = "warehouse"
    seconds: float = 30.0
    _reader: Reader | None = field(default=None, init=False)
    _before: Mapping[tuple[str, date], tuple[int, int]] | None = field(default=None, init=False)
    """Files and rows loaded of each partition at the last reading."""
    _loaded: dict[str, tuple[int, int]] = field(default_factory=dict, init=False)

    def read(self, now: datetime) -> Iterator[Sample]:
        """Read all of it."""
        self._reader = self._reader or open_reader(self.settings)
        after = day_of(now) - timedelta(days=DAYS)
        days = self._reader.ask(_DAYS, after=after)
        self._count(days)
        by_feed = defaultdict(list)
        for day in days:
            by_feed[str(day["feed"])].append(day)
        for feed, rows in sorted(by_feed.items()):
            yield from _of_feed(feed, rows)
            yield from self._counters(feed)
            yield from self._lateness(feed, rows, now)
        yield from self._failures(self._reader, after)
        yield from self._lag(self._reader, after, now)

    def close(self) -> None:
        """Close the connections."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _count(self, days: Iterable[Row]) -> None:
        """Add what was loaded since the last reading. A partition that lost files counts nothing."""
        loaded = {(str(day["feed"]), day["publication_day"]): (day["loaded"], day["rows"]) for day in days}
        for (feed, day), now in loaded.items():
            before = now if self._before is None else self._before.get((feed, day), (0, 0))
            known = self._loaded.get(feed, (0, 0))
            self._loaded[feed] = (
                known[0] + max(0, now[0] - before[0]),
                known[1] + max(0, now[1] - before[1]),
            )
        self._before = loaded

    def _counters(self, feed: str) -> Iterator[Sample]:
        files, rows = self._loaded[feed]
        yield "gogobe_loaded_files_total", [feed], files
        yield "gogobe_loaded_rows_total", [feed], rows

    def _lateness(self, key: str, days: Iterable[Row], now: datetime) -> Iterator[Sample]:
        feed = known_feed(key)
        if feed is not None and feed.full_files_per_day != 0:
            newest = max(filter(None, (day["newest_full_at"] for day in days)), default=None)
            yield "gogobe_feed_late", [key], is_late(feed, newest, self.settings, now)

    @staticmethod
    def _failures(reader: Reader, after: date) -> Iterator[Sample]:
        for row in reader.ask(_FAILED, after=after):
            if row["code"] not in EXPECTED_CODES:
                yield "gogobe_failed_files", [row["feed"], row["code"] or "unknown"], row["files"]

    @staticmethod
    def _lag(reader: Reader, after: date, now: datetime) -> Iterator[Sample]:
        for row in reader.ask(_LAG, after=after, since=now - LAG_WINDOW):
            for percent, seconds in zip(PERCENTILES, row["seconds"], strict=True):
                yield "gogobe_load_lag_seconds", [row["feed"], str(percent)], seconds


def _of_feed(feed: str, days: Sequence[Row]) -> Iterator[Sample]:
    for state in STATES:
        yield "gogobe_files", [feed, state], sum(day[state] for day in days)
    yield "gogobe_pending_age_seconds", [feed], max(day["pending_seconds"] for day in days)
    for name, column in (
        ("gogobe_newest_full_prices_timestamp_seconds", "newest_full_at"),
        ("gogobe_last_load_timestamp_seconds", "last_loaded_at"),
        ("gogobe_last_listing_timestamp_seconds", "last_listed_at"),
    ):
        newest: datetime | None = max(filter(None, (day[column] for day in days)), default=None)
        if newest is not None:
            yield name, [feed], newest.timestamp()


@dataclass(slots=True)
class DagsterDatabase:
    """Runs, the daemon, workers and their queue, from Dagster's database."""

    settings: Settings
    name: str = "dagster"
    seconds: float = 10.0

    def read(self, now: datetime) -> Iterator[Sample]:  # noqa: ARG002 - the database's clock counts
        """Read all of it in one read-only connection."""
        with closing(run_queue.connect(self.settings)) as connection:
            connection.read_only = True
            [there] = connection.cursor(row_factory=dict_row).execute(_HAS_TABLES.encode()).fetchall()
            if there["runs"]:
                yield from _runs(connection)
            if there["queue"]:
                yield from _queue(connection)

    def close(self) -> None:
        """Nothing stays open."""


def _runs(connection: psycopg.Connection) -> Iterator[Sample]:
    counts: dict[str, int] = dict(connection.execute(_RUNS, [list(_RUN_STATUSES)]).fetchall())
    for status in _RUN_STATUSES:
        yield "gogobe_runs", [status.lower()], counts.get(status, 0)
    for (heartbeat,) in connection.execute(_HEARTBEAT):
        if heartbeat is not None:
            yield "gogobe_daemon_heartbeat_timestamp_seconds", [], heartbeat


def _queue(connection: psycopg.Connection) -> Iterator[Sample]:
    by_host = defaultdict(list)
    for worker in run_queue.live_workers(connection):
        by_host[worker.host].append(worker)
    for host, workers in by_host.items():
        yield "gogobe_workers", [host], len(workers)
        yield "gogobe_worker_slots", [host], sum(worker.runs for worker in workers)
        yield "gogobe_worker_busy_slots", [host], sum(worker.busy for worker in workers)
    for (waiting,) in connection.execute(_WAITING, [run_queue.TASK]):
        yield "gogobe_queue_waiting_runs", [], waiting


@dataclass(slots=True)
class Backups:
    """The newest complete backup."""

    settings: Settings
    name: str = "backups"
    seconds: float = 300.0

    def read(self, now: datetime) -> Iterator[Sample]:  # noqa: ARG002 - its name says when it was made
        """List the backups; of a bucket, that is a request."""
        newest = BackupFolder(self.settings.backup_folder).newest()
        yield "gogobe_backup_timestamp_seconds", [], made_at(newest).timestamp() if newest else 0

    def close(self) -> None:
        """Nothing stays open."""


@dataclass(slots=True)
class _Kept:
    samples: Sequence[Sample] = ()
    until: float = 0.0


class Exporter(Collector):
    """What Prometheus' client asks for the metrics at each scrape. Threads may share it."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        """Connect to nothing yet."""
        self._now = now
        self.sources: list[Source] = [Warehouse(settings), DagsterDatabase(settings)]
        if settings.backup_folder:
            self.sources.append(Backups(settings))
        self._kept = {source.name: _Kept() for source in self.sources}
        self._lock = Lock()

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering this reads no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Return all metrics that have a value."""
        samples: list[Sample] = [("gogobe_build_info", [version("gogobe-dagster")], 1)]
        with self._lock:
            for source in self.sources:
                samples += self._samples(source)
        yield from _families(samples)

    def close(self) -> None:
        """Close all connections. Idempotent."""
        with self._lock:
            for source in self.sources:
                source.close()

    def _samples(self, source: Source) -> Sequence[Sample]:
        kept = self._kept[source.name]
        if time.monotonic() >= kept.until:
            kept.samples = self._read(source)
            kept.until = time.monotonic() + source.seconds
        return kept.samples

    def _read(self, source: Source) -> Sequence[Sample]:
        try:
            return [*source.read(self._now()), ("gogobe_source_up", [source.name], 1)]
        except (GogobeError, psycopg.Error):
            return [("gogobe_source_up", [source.name], 0)]


def _families(samples: Iterable[Sample]) -> Iterator[Metric]:
    by_name = defaultdict(list)
    for name, labels, value in samples:
        by_name[name].append((labels, float(value)))
    for name, definition in DEFINITIONS.items():
        if values := by_name.get(name):
            kind = CounterMetricFamily if definition.is_counter else GaugeMetricFamily
            family = kind(name, definition.meaning, labels=definition.labels)
            for labels, value in values:
                family.add_metric(labels, value)
            yield family
