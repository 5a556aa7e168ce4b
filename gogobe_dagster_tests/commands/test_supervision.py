"""Whatever dies under `gogobe up` is started again, and the tables end as without any fault.

The scenario is one test, because starting everything costs more than all else. `--long` repeats it: each
service killed many times, hanging services, PostgreSQL away for a minute, everything killed at once.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.clean_run import tables
from gogobe_dagster_tests.commands.running_up import GOGOBE, lives, started_below
from gogobe_dagster_tests.commands.supervised import FEEDS, Supervised, tables_of_a_clean_run
from gogobe_dagster_tests.dagster_services import launch
from gogobe_dagster_tests.import_env import yesterday
from gogobe_dagster_tests.postgres.servers import kill_everything, postmaster_of, processes_of

pytestmark = pytest.mark.slow

CHILDREN = ("code", "webserver", "daemon")
OUTAGE_SECONDS = 60


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
