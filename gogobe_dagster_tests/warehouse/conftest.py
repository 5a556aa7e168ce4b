"""A migrated database for each worker, emptied before every test."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.migrate import connect, migrate
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.warehouse.warehouse_harness import forget


@pytest.fixture(scope="session")
def warehouse_url(postgres_server: DatabaseServer) -> Iterator[str]:
    """A migrated database that the tests of this worker share."""
    with postgres_server.database() as url:
        migrate(url)
        yield url


@pytest.fixture(scope="session")
def _engine(warehouse_url: str) -> Iterator[sa.Engine]:
    engine = connect(warehouse_url)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(_engine: sa.Engine) -> sa.Engine:
    """Connections to a warehouse without rows."""
    forget(_engine)
    return _engine
