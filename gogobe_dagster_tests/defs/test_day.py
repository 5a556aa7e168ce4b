"""A day of some portals in half a minute, with sensors and daemon: every file reaches the tables.

The benchmark `day` at its smallest; `test_running` has the daemon in every run.
"""

from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest

from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster_tests.benchmarks.day import figures_of, live_through
from gogobe_dagster_tests.benchmarks.day_plot import plot
from gogobe_dagster_tests.benchmarks.day_publishing import Publisher
from gogobe_dagster_tests.benchmarks.meter import Meter
from gogobe_dagster_tests.import_env import ImportEnv

pytestmark = [pytest.mark.slow, pytest.mark.long]

FEEDS = ("keshet", "king_store", "super_pharm")
MINUTES = 0.5


@pytest.mark.timeout(1800)
def test_every_file_of_a_day_reaches_the_tables(import_env: ImportEnv, tmp_path: Path) -> None:
    publisher = Publisher(
        import_env.replica, [find_feed(key) for key in FEEDS], SyntheticMarket(stores=2, items=40)
    )
    meter = Meter(postmaster(import_env))

    day = live_through(import_env, publisher, meter, partial(publisher.publish_for, 60 * MINUTES))

    figures = figures_of(day)
    assert figures["files"] == figures["files_loaded"] == len(day.loaded)
    assert {name.partition("/")[0] for name in day.loaded} == set(FEEDS)
    assert day.lags[0] > 0
    assert float(figures["cpu_seconds"]) > 1
    plot(day.appeared, day.loaded, day.samples, minutes=MINUTES, path=tmp_path / "day.png")
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")


def postmaster(env: ImportEnv) -> psutil.Process:
    """The server of the environment's warehouse, found by one of its backends."""
    with psycopg.connect(env.settings.database_url) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        parent = backend.parent()
    assert parent is not None
    return parent
