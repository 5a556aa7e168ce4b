"""A stage that many rows of a table share, and scenes on it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import stamina

from gogobe_dagster.equipment import Equipment
from gogobe_dagster.feeds import FEEDS, find_feed
from gogobe_dagster.overrides import FeedOverride
from gogobe_dagster.replica.moving_clock import MovingClock
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.importing.scenes import OpenScene, Scene
from gogobe_dagster_tests.stage import MIDNIGHT, Stage, stage


@pytest.fixture(scope="module")
def whole_stage(postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One stage for all rows: each begins on an empty ledger and empty shelves."""
    home: Path = tmp_path_factory.mktemp("stage") / "home"
    with (
        postgres_server.database() as warehouse,
        stage(home, warehouse_url=warehouse, dagster_url=warehouse) as one,
    ):
        yield one


@pytest.fixture
def scene(whole_stage: Stage) -> Iterator[OpenScene]:
    """Open a scene at a door of a feed's portal. No time is spent between tries; three are made."""
    opened: list[Equipment] = []

    def scene(feed_key: str, door: str = "web", **override: Any) -> Scene:
        feed = find_feed(feed_key)
        told = FeedOverride.model_validate({"door": door} | override)
        settings = whole_stage.settings.model_copy(update={"feed": {feed_key: told}})
        opened.append(Equipment(settings))
        return Scene(whole_stage, opened[-1], feed)

    _begin_anew(whole_stage)
    with stamina.set_testing(True, attempts=3):
        yield scene
    for equipment in opened:
        equipment.close()


def _begin_anew(whole: Stage) -> None:
    with psycopg.connect(whole.settings.database_url) as connection:
        connection.execute("truncate file, listing cascade")
    whole.replica.faults.switch_off()
    for feed in FEEDS:
        whole.replica.shelf(feed.key).clear()
    assert isinstance(whole.replica.clock, MovingClock)
    whole.replica.clock.move(now=MIDNIGHT)
