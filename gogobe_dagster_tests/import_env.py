"""What a whole import needs: a home, two real databases, a replica of the portals, and their variables."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from gogobe_dagster import clock
from gogobe_dagster.dagster_runtime.environment import configuration_folder, process_environment
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_days
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.replica.simulated_clock import SimulatedClock
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings

CompletedProcess = subprocess.CompletedProcess[str]

PROGRESS = """
select coalesce(max(id), 0)::text from event_logs
union all select string_agg(run_id || status, ' ' order by id) from runs
union all select string_agg(key || status, ' ' order by id) from bulk_actions
"""


@cache
def yesterday() -> date:
    """Return the day whose files tests import, in Israel. It stays the same during a test module.

    Yesterday is over: what was published then is the same however often it is requested. `conftest` clears
    the cache before each module, so that a run of the tests may go on over midnight.
    """
    return clock.day_of(clock.now()) - timedelta(days=1)


def midnight() -> datetime:
    """Return the end of `yesterday()`."""
    return datetime.combine(yesterday(), time.max, tzinfo=clock.ISRAEL)


@dataclass(frozen=True)
class ImportEnv:
    """Everything that an import touches, for one test."""

    settings: Settings
    replica: Replica
    resources: Resources

    def publish(
        self,
        *feed_keys: str,
        stores: int = 2,
        items: int = 40,
        first_day: date | None = None,
        until: datetime | None = None,
    ) -> SyntheticMarket:
        """Let these feeds publish files of generated stores; return the ground truth.

        From the first day, or yesterday, until a time, or yesterday's end.
        """
        market = SyntheticMarket(stores=stores, items=items)
        publications_by_feed = {key: self.replica.publications(key) for key in feed_keys}
        feeds = [find_feed(key) for key in feed_keys]
        publish_days(
            publications_by_feed,
            feeds,
            first_day=first_day or yesterday(),
            market=market,
            now=until or midnight(),
        )
        return market

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process of its own: `dagster`, `gogobe`, a run."""
        ours = {
            "GOGOBE_REPLICA_URL": self.settings.replica_url,
            "GOGOBE_FIRST_DAY": str(self.settings.first_day or ""),
            "GOGOBE_POLL_INTERVAL_SECONDS": str(self.settings.poll_interval_seconds),
            "GOGOBE_QUIET_HOURS": self.settings.quiet_hours,
            "GOGOBE_ALERT_URL": self.settings.alert_url,
            "GOGOBE_ALERT_AFTER_FAILURES": str(self.settings.alert_after_failures),
        }
        if self.settings.worker_runs is not None:
            ours["GOGOBE_WORKER_RUNS"] = str(self.settings.worker_runs)
        return {**os.environ, **process_environment(self.settings), **ours}

    def run(self, *command: str | Path, check: bool = True) -> CompletedProcess:
        """Run a program of ours to its end, such as ("gogobe", "status"); return what it printed."""
        completed = subprocess.run(
            _installed(command),
            env=self.environment,
            cwd=configuration_folder(),
            capture_output=True,
            text=True,
            check=False,
        )
        if check and completed.returncode:
            printed = f"{completed.stdout}\n{completed.stderr}"
            raise AssertionError(f"{command} ended with {completed.returncode}:\n{printed}")
        return completed

    @contextmanager
    def started(self, *command: str | Path) -> Iterator[subprocess.Popen[str]]:
        """Start a program of ours; it is killed afterwards if it still runs. Its output must be short."""
        with subprocess.Popen(
            _installed(command),
            env=self.environment,
            cwd=configuration_folder(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def import_partitions(self, *partitions: str) -> None:
        """Run the import job for these partitions in a process of its own, as `gogobe import` does."""
        outcomes = self.settings.folder / "outcomes.jsonl"
        self.run("python", "-m", "gogobe_dagster.dagster_runtime.import_runner", outcomes, *partitions)

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Ask the warehouse."""
        with psycopg.connect(self.settings.database_url) as connection:
            return connection.execute(sql.encode(), parameters).fetchall()

    def query_dagster(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask Dagster's own database."""
        url = self.settings.dagster_database_url.replace("+psycopg2", "")
        with psycopg.connect(url) as connection:
            return connection.execute(sql.encode()).fetchall()

    def execute_dagster(self, sql: str) -> None:
        """Change Dagster's own database."""
        with psycopg.connect(self.settings.dagster_database_url.replace("+psycopg2", "")) as connection:
            connection.execute(sql.encode())

    def progress(self) -> list[tuple[Any, ...]]:
        """Return what changes while an import goes on: events of files and of runs, states of runs."""
        of_files = self.query("select max(event_id) from file_event")
        try:
            return of_files + self.query_dagster(PROGRESS)
        except psycopg.errors.UndefinedTable:  # the process that creates Dagster's tables is only starting
            return of_files

    def prices(self, feed_key: str) -> dict[tuple[str, int, int, str], Decimal]:
        """What each store of a feed's chains asks now, by chain, sub-chain, store and code."""
        rows = self.query(
            """
            select s.chain_id, s.sub_chain_id, s.store_id, cp.code, p.price
            from price_current p join store s using (store_key) join chain_product cp using (product_key)
            where s.chain_id = any(%s) and cp.chain_id = s.chain_id
            """,
            [list(find_feed(feed_key).chain_ids)],
        )
        return {(chain, sub, store, code): price for chain, sub, store, code, price in rows}

    def states(self, feed_key: str, day: date | None = None) -> dict[str, str]:
        """State, and code if there is one, of every file of a day, or of yesterday, in the ledger."""
        files = self.resources.ledger.of_days(feed_key, [day or yesterday()])
        return {file.name: f"{file.state} {file.code or ''}".strip() for file in files}


def _installed(command: Sequence[str | Path]) -> list[str]:
    """Name the program of this environment, whatever is on the path."""
    program, *arguments = map(str, command)
    return [str(Path(sys.executable).with_name(program)), *arguments]


@contextmanager
def open_import_env(
    home: Path, *, warehouse_url: str, dagster_url: str, **changes: Any
) -> Iterator[ImportEnv]:
    """Set up an import environment on two databases; the warehouse gets its tables if it has none."""
    from gogobe_dagster.warehouse.schema.migrate import migrate

    migrate(warehouse_url)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)  # others could get into it, which every command tells
    (home / "dagster").mkdir()
    with Replica(clock=SimulatedClock(midnight(), speed=0)) as replica:  # some list only the day that it is
        values = {
            "home": home,
            "database_url": warehouse_url,
            "dagster_database_url": dagster_url,
            "replica_url": replica.url,
            "first_day": date(2026, 1, 1),
            "poll_interval_seconds": 5,
            "quiet_hours": "",
        }
        settings = Settings(**{**values, **changes})
        resources = Resources(settings)
        try:
            yield ImportEnv(settings, replica, resources)
        finally:
            resources.close()
