"""Under `gogobe up` anything is killed at any time, again and again: the tables end as without any fault."""

import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

import psutil
import psycopg
import pytest
import requests
from rich.console import Console

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.clean_run import tables
from gogobe_dagster_tests.commands.supervised import FEEDS, Supervised, name_of, tables_of_a_clean_run
from gogobe_dagster_tests.dagster_services import launch
from gogobe_dagster_tests.import_env import yesterday
from gogobe_dagster_tests.postgres.servers import processes_of

pytestmark = [pytest.mark.slow, pytest.mark.long]

KILLS_PER_FEED = 10
LONGEST_PAUSE_SECONDS = 12
"""Between two kills; no service has to be back by then."""
RUN = "run"
"""A process of a run, or what runs are forked from."""
ACTIVE = "select count(*) from runs where status in ('NOT_STARTED', 'QUEUED', 'STARTING', 'STARTED')"


def victims(supervised: Supervised) -> Mapping[str, list[psutil.Process]]:
    """Everything that works for this `gogobe up`, by what it is."""
    found: dict[str, list[psutil.Process]] = {"PostgreSQL": processes_of(supervised.server)}
    children = {child.pid for child in psutil.Process(supervised.process.pid).children()}
    for process in psutil.Process(supervised.process.pid).children(recursive=True):
        kind = name_of(process) if process.pid in children else RUN
        found.setdefault(kind, []).append(process)
    return {kind: processes for kind, processes in found.items() if kind and processes}


def kill_one(supervised: Supervised, draw: random.Random) -> str:
    """Kill a process, half of the time one of a run if there is any. Return its kind."""
    while not (by_kind := victims(supervised)):  # everything is being started again
        time.sleep(0.1)
    kind = RUN if RUN in by_kind and draw.random() < 1 / 2 else draw.choice(sorted(by_kind))
    with suppress(psutil.NoSuchProcess):
        draw.choice(by_kind[kind]).kill()
    return kind


def work_on(supervised: Supervised, partition: str) -> None:
    """Ask for a run of a partition if none is active: those that were killed too often are not repeated."""
    with (
        suppress(psycopg.OperationalError, requests.RequestException, AssertionError),  # one was just killed
        psycopg.connect(supervised.server.url("dagster")) as connection,
    ):
        row = connection.execute(ACTIVE).fetchone()
        if row == (0,):
            launch(supervised.url, partition, run_config=IN_PROCESS)


def is_imported(supervised: Supervised, partition: str) -> bool:
    """Whether a run has succeeded; if not, and none is active, ask for another one."""
    with suppress(psycopg.OperationalError):
        if supervised.has_succeeded(partition):
            return True
    work_on(supervised, partition)
    return False


@pytest.mark.timeout(0)
def test_anything_is_killed_at_any_time_again_and_again(
    supervised: Supervised, replica: Replica, capsys: pytest.CaptureFixture[str]
) -> None:
    draw, killed = random.Random(20), Counter[str]()
    for partition in [f"{feed}|{yesterday()}" for feed in FEEDS]:
        for _ in range(KILLS_PER_FEED):
            work_on(supervised, partition)
            time.sleep(draw.uniform(0, LONGEST_PAUSE_SECONDS))
            killed[kill_one(supervised, draw)] += 1
        supervised.wait(partial(is_imported, supervised, partition), what=partition)
    with capsys.disabled():
        Console().print(f"{killed.total()} kills under `gogobe up`: {dict(killed)}")

    assert tables(supervised.server.url("gogobe")) == tables_of_a_clean_run(supervised, replica, FEEDS)
