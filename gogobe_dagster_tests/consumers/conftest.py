"""One filled warehouse for all tests of a worker; nobody changes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gogobe_dagster.warehouse.schema.migrate import connect, migrate
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.consumers.example_market import fill


@dataclass(frozen=True)
class Filled:
    """Where a filled warehouse and its lake are."""

    url: str
    lake: Path


@pytest.fixture(scope="session")
def filled(postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Give the warehouse of `example_market`."""
    lake = tmp_path_factory.mktemp("lake")
    with postgres_server.database() as url:
        migrate(url)
        engine = connect(url)
        fill(engine, lake)
        engine.dispose()
        yield Filled(url, lake)
