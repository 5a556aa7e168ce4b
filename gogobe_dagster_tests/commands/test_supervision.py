"""Whatever dies under `gogobe up` is started again, and the tables end as without any fault.

The scenario is one test, because starting everything costs more than all else. `--long` repeats it: each
service killed many times, hanging services, PostgreSQL away for a minute, everything killed at once.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from gogobe_dagster import pipeline
from gogobe_dagster.commands.processes import OWNER_VARIABLE
from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.postgres.server import EmbeddedPostgres, embedded_server
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.replica.simulated_clock import SimulatedClock
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster_tests.alert_receiver import AlertReceiver, alert_receiver
from gogobe_dagster_tests.commands.running_up import GOGOBE, lives, started_below, terminal_of, up, work_of
from gogobe_dagster_tests.dagster_services import launch, statuses
from gogobe_dagster_tests.import_env import midnight, yesterday
from gogobe_dagster_tests.postgres.servers import kill_everything, postmaster_of, processes_of
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow

FEEDS = ("keshet", "king_store", "good_pharm", "osher_ad", "super_pharm", "dabbah")
CHILDREN = ("code", "webserver", "daemon")
OUTAGE_SECONDS = 60
VIEWS = {
    "price_periods": "chain_id, sub_chain_id, store_id, store_name, city, gtin, code, product_name, price, "
    "published_unit_price, price_set_at, valid_from, valid_to",
    "promotions_now": "chain_id, sub_chain_id, store_id, promotion_id, description, code, "
    "effective_unit_price, price_basis, starts_at, ends_at, valid_from, offer_number, group_id",
    "store_coverage": "chain_id, sub_chain_id, store_id",
}


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
    """A day of all feeds of this test."""
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


def test_what_dies_is_started_again_and_ctrl_c_ends_everything(
    supervised: Supervised, replica: Replica, pytestconfig: pytest.Config
) -> None:
    second = subprocess.run(
        [GOGOBE, "up"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"GOGOBE_HOME": str(supervised.home)},
    )
    assert second.returncode == 1
    assert f"process {supervised.process.pid}, {supervised.url}" in second.stderr

    kill_the_web_server_and_the_daemon(supervised)
    feeds = list(FEEDS[:1])
    import_while(supervised, FEEDS[0], kill_the_database)
    assert any("PostgreSQL" in alert["message"] for alert in supervised.inbox.alerts)
    if pytestconfig.getoption("--long"):
        feeds += many_rounds(supervised)
    assert tables(supervised.server.url("gogobe")) == tables_of_a_clean_run(supervised, replica, feeds)

    replica.faults.switch_on("slow_page", feed=FEEDS[-1], seconds=600)
    at_work = launch(supervised.url, f"{FEEDS[-1]}|{yesterday()}", run_config=IN_PROCESS)
    supervised.wait(lambda: supervised.status(at_work) == "STARTED", what="a run at work")
    working = psutil.Process(supervised.process.pid).children(recursive=True)
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.process.wait() == 0
    assert [process for process in working if lives(process)] == []
    assert started_below(supervised.home) == []
    assert processes_of(supervised.server) == []


def kill_the_web_server_and_the_daemon(supervised: Supervised) -> None:
    before = [supervised.child(name) for name in ("webserver", "daemon")]
    with supervised.until_told(
        "webserver ended (signal SIGKILL); it is started again",
        "daemon ended (signal SIGKILL); it is started again",
        "webserver runs again",
        "daemon runs again",
    ):
        for process in before:
            process.kill()
    assert [supervised.child(name) for name in ("webserver", "daemon")] != before
    supervised.wait(lambda: any("solved" in title for title in supervised.inbox.titles), what="the good news")


def kill_the_database(supervised: Supervised) -> None:
    with supervised.until_told("PostgreSQL ended", "PostgreSQL runs again"):
        postmaster_of(supervised.server).kill()


def import_while(supervised: Supervised, feed: str, inflict: Callable[[Supervised], None]) -> None:
    """Start a run, inflict something, and wait until the run, or one in its place, has succeeded."""
    partition = f"{feed}|{yesterday()}"
    run = launch(supervised.url, partition, run_config=IN_PROCESS)
    supervised.wait(lambda: supervised.status(run) in {"STARTED", "SUCCESS"}, what="a run at work")
    inflict(supervised)
    supervised.wait(lambda: supervised.has_succeeded(partition), what=f"{partition} after {inflict}")


def many_rounds(supervised: Supervised) -> list[str]:
    draw = random.Random(13)
    for _ in range(3):
        for name in draw.sample(CHILDREN, 3):
            strike(supervised, name, signal.SIGKILL)
    strike(supervised, draw.choice(CHILDREN), signal.SIGSTOP)
    for feed, inflict in zip(FEEDS[1:-1], (keep_away, freeze_the_database, all_at_once, strike), strict=True):
        import_while(supervised, feed, inflict)
    return list(FEEDS[1:-1])


def strike(supervised: Supervised, name: str = "code", number: signal.Signals = signal.SIGKILL) -> None:
    how = {signal.SIGKILL: "ended (signal SIGKILL)", signal.SIGSTOP: "does not answer"}[number]
    with supervised.until_told(f"{name} {how}", f"{name} runs again"):
        supervised.child(name).send_signal(number)
    supervised.wait(lambda: all(supervised.child(child) for child in CHILDREN), what="all children")


def keep_away(supervised: Supervised) -> None:
    """Kill PostgreSQL whenever it is back, for a minute; then a new run starts within a minute."""
    with supervised.until_told("PostgreSQL ended", "PostgreSQL runs again"):
        until = time.monotonic() + OUTAGE_SECONDS
        while time.monotonic() < until:
            kill_everything(supervised.server)
            time.sleep(0.2)


def freeze_the_database(supervised: Supervised) -> None:
    with supervised.until_told("PostgreSQL does not answer", "PostgreSQL runs again"):
        postmaster_of(supervised.server).suspend()


def all_at_once(supervised: Supervised) -> None:
    with supervised.until_told("PostgreSQL ended", "PostgreSQL runs again"):
        for process in psutil.Process(supervised.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        kill_everything(supervised.server)


def tables(url: str) -> dict[str, list[str]]:
    """The rows that people see, without keys, which depend on the order of loads."""
    with psycopg.connect(url) as connection:
        return {
            view: sorted(str(row) for row in connection.execute(f"select {columns} from {view}".encode()))
            for view, columns in VIEWS.items()
        }


def tables_of_a_clean_run(supervised: Supervised, replica: Replica, feeds: list[str]) -> dict[str, list[str]]:
    """Import the same files without faults, in this process, into a database beside the other one."""
    with psycopg.connect(supervised.server.admin_url("postgres"), autocommit=True) as connection:
        connection.execute("create database clean owner gogobe_owner")
    url = supervised.server.url("clean")
    migrate(url)
    folder = supervised.home / "clean"
    with closing(Resources(Settings(home=folder, database_url=url, replica_url=replica.url))) as resources:
        for feed in map(find_feed, feeds):
            days = [yesterday()]
            pipeline.discover(feed, days, resources)
            pipeline.download(feed, days, resources)
            for batch in pipeline.plan(feed, days, resources):
                pipeline.parse(batch, feed, resources)
            for document in Document:
                pipeline.load(document, feed, days, resources)
    return tables(url)
