"""A `gogobe up` that is watched: what it tells and alerts, its children, its runs and its tables."""

import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from gogobe_dagster.commands.processes import OWNER_VARIABLE
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.postgres.server import EmbeddedPostgres, embedded_server
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.replica.simulated_clock import SimulatedClock
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster_tests.alert_receiver import AlertReceiver, alert_receiver
from gogobe_dagster_tests.clean_run import Tables, import_cleanly, tables
from gogobe_dagster_tests.commands.running_up import terminal_of, up, work_of
from gogobe_dagster_tests.dagster_services import statuses
from gogobe_dagster_tests.import_env import midnight, yesterday
from gogobe_dagster_tests.waiting import wait_for_progress

FEEDS = ("keshet", "king_store", "good_pharm", "osher_ad", "super_pharm", "dabbah")


@dataclass
class Supervised:
    """A running `gogobe up` on a home of its own, with what it tells and what it alerts."""

    process: subprocess.Popen[str]
    url: str
    home: Path
    inbox: AlertReceiver

    @property
    def output(self) -> str:
        return terminal_of(self.home).read_text()

    @property
    def server(self) -> EmbeddedPostgres:
        return embedded_server(Settings(home=self.home))

    def child(self, name: str) -> psutil.Process:
        (found,) = [child for child in psutil.Process(self.process.pid).children() if name_of(child) == name]
        return found

    def wait(self, done: Callable[[], object], what: str) -> None:
        wait_for_progress(done, what=f"{what}\n{self.output}", progress=work_of(self.process))

    @contextmanager
    def until_told(self, *texts: str) -> Iterator[None]:
        """Inflict something, then wait until the terminal has these texts after what it had before."""
        before = len(self.output)
        yield
        self.wait(lambda: all(text in self.output[before:] for text in texts), what=str(texts))

    def status(self, run: str) -> str:
        with suppress(Exception):  # the web server may be away
            return statuses(self.url)[run]
        return ""

    def has_succeeded(self, partition: str) -> bool:
        sql = """select count(*) from runs join run_tags using (run_id)
            where key = 'dagster/partition' and value = %s and status = 'SUCCESS'"""
        with psycopg.connect(self.server.url("dagster")) as connection:
            row = connection.execute(sql, [partition]).fetchone()
        return bool(row and row[0])


def name_of(child: psutil.Process) -> str:
    with suppress(psutil.Error):
        return child.environ().get(OWNER_VARIABLE, "").rpartition(":")[2]
    return ""


@pytest.fixture
def replica() -> Iterator[Replica]:
    """A day of these feeds."""
    with Replica(clock=SimulatedClock(midnight(), speed=0)) as portals:
        publish_day(
            {key: portals.publications(key) for key in FEEDS},
            [find_feed(key) for key in FEEDS],
            day=yesterday(),
            market=SyntheticMarket(stores=1, items=20),
            now=midnight(),
        )
        yield portals


@pytest.fixture
def supervised(home: Path, replica: Replica) -> Iterator[Supervised]:
    with alert_receiver() as inbox:
        variables = {"GOGOBE_REPLICA_URL": replica.url, "GOGOBE_ALERT_URL": inbox.url}
        with up(home, **variables) as (process, url):
            running = Supervised(process, url, home, inbox)
            running.wait(lambda: url in running.output, what="the address")
            yield running


def tables_of_a_clean_run(supervised: Supervised, replica: Replica, feeds: Iterable[str]) -> Tables:
    """Import the same files without faults, in this process, into a database beside the other one."""
    with psycopg.connect(supervised.server.admin_url("postgres"), autocommit=True) as connection:
        connection.execute("create database clean owner gogobe_owner")
    url = supervised.server.url("clean")
    migrate(url)
    settings = Settings(home=supervised.home / "clean", database_url=url, replica_url=replica.url)
    import_cleanly(settings, feeds)
    return tables(url)
