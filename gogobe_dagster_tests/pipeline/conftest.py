"""An import environment that the rows of the fault table share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import stamina

from gogobe_dagster.feeds.feed_settings import FeedOverride
from gogobe_dagster.feeds.registry import FEEDS, find_feed
from gogobe_dagster.replica.simulated_clock import SimulatedClock
from gogobe_dagster.resources import Resources
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.import_env import ImportEnv, midnight, open_import_env
from gogobe_dagster_tests.pipeline.feed_scenario import OpenScene, Scene


@pytest.fixture(scope="module")
def shared_env(
    postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ImportEnv]:
    """One environment for all rows; each begins with an empty ledger and nothing published."""
    home: Path = tmp_path_factory.mktemp("import_env") / "home"
    with (
        postgres_server.database() as warehouse,
        open_import_env(home, warehouse_url=warehouse, dagster_url=warehouse) as import_env,
    ):
        yield import_env


@pytest.fixture
def scene(shared_env: ImportEnv) -> Iterator[OpenScene]:
    """Open a feed over a transport, with three attempts and no pauses between them."""
    opened: list[Resources] = []

    def scene(feed_key: str, transport: str = "web", **override: Any) -> Scene:
        feed = find_feed(feed_key)
        feed_override = FeedOverride.model_validate({"transport": transport} | override)
        settings = shared_env.settings.model_copy(update={"feed": {feed_key: feed_override}})
        opened.append(Resources(settings))
        return Scene(shared_env, opened[-1], feed)

    _reset(shared_env)
    with stamina.set_testing(True, attempts=3):
        yield scene
    for resources in opened:
        resources.close()


def _reset(whole: ImportEnv) -> None:
    with psycopg.connect(whole.settings.database_url) as connection:
        connection.execute("truncate file, listing, portal_pause cascade")
    whole.replica.faults.switch_off()
    for feed in FEEDS:
        whole.replica.publications(feed.key).clear()
    assert isinstance(whole.replica.clock, SimulatedClock)
    whole.replica.clock.move(now=midnight())
