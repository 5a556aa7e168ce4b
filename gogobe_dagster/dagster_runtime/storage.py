"""Dagster's PostgreSQL storage with connections that are kept, which dagster.yaml names as its storage."""

import select
from functools import lru_cache
from typing import Any, Self

import sqlalchemy as sa
from dagster._core.storage.config import PostgresStorageConfig
from dagster._serdes import ConfigurableClassData
from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config

KEPT_CONNECTIONS = 6
"""As many as the daemon's threads use at a time."""
RECYCLE_SECONDS = 600


class KeptConnectionStorage(DagsterPostgresStorage):
    """Dagster's storage, which connects for every statement, with connections that are kept.

    Connecting was more than half of the CPU time of a small run, and of a sensor's tick, which makes an
    instance of its own. All instances of a process use the same connections, until the process ends.
    """

    @classmethod
    def from_config_value(  # type: ignore[override] # as in Dagster
        cls, inst_data: ConfigurableClassData | None, config_value: PostgresStorageConfig
    ) -> Self:
        """Make a storage; if its tables are missing, the first one of a process creates them."""
        url = pg_url_from_config(config_value)
        engine = _engine(url)
        storage = cls(url, should_autocreate_tables=False, inst_data=inst_data)
        databases: list[Any] = [storage.run_storage, storage.event_log_storage, storage.schedule_storage]
        for database in databases:
            database._engine = engine  # noqa: SLF001 - Dagster has no setting for it
        return storage


@lru_cache(maxsize=1)
def _engine(url: str) -> sa.Engine:
    DagsterPostgresStorage(url)  # creates tables
    engine = sa.create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT_CONNECTIONS,
        max_overflow=-1,
        pool_recycle=RECYCLE_SECONDS,
    )
    sa.event.listen(engine, "checkout", _check_that_it_is_open)
    return engine


def _check_that_it_is_open(connection: Any, _record: object, _proxy: object) -> None:
    """Replace a connection that its server has closed; asking the server was every third statement."""
    if connection.closed:
        raise sa.exc.DisconnectionError
    waiting = select.poll()  # not `select.select`, which knows no file descriptors above 1,023
    waiting.register(connection, select.POLLIN)
    if waiting.poll(0):
        raise sa.exc.DisconnectionError
