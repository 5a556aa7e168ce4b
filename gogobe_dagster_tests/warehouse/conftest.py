"""A migrated database for every test: a copy of one that each worker migrates once."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from gogobe_dagster.warehouse.migrate import connect, migrate
from gogobe_dagster_tests.conftest import DatabaseServer


@pytest.fixture(scope="session")
def migrated_template(postgres_server: DatabaseServer) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    with postgres_server.database() as url:
        migrate(url)
        yield str(sa.make_url(url).database)


@pytest.fixture
def warehouse_url(postgres_server: DatabaseServer, migrated_template: str) -> Iterator[str]:
    """A fresh warehouse without rows."""
    with postgres_server.database(migrated_template) as url:
        yield url


@pytest.fixture
def engine(warehouse_url: str) -> Iterator[sa.Engine]:
    """Connections to a fresh warehouse without rows."""
    engine = connect(warehouse_url)
    yield engine
    engine.dispose()
