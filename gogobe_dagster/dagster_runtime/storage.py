"""Dagster's PostgreSQL storage with connections that are kept, which dagster.yaml names as its storage."""

import select
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Self

import sqlalchemy as sa
from dagster._core.storage.config import PostgresStorageConfig
from dagster._serdes import ConfigurableClassData
from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config

KEPT_CONNECTIONS = 6
"""As many as the daemon's threads use at a time."""
RECYCLE_SECONDS = 600
SCHEMA_QUESTIONS = (
    "has_run_stats_index_cols",
    "has_bulk_actions_selector_cols",
    "has_backfill_id_column",
    "has_bulk_action_job_name_column",
    "has_backfill_tags_table",
    "has_asset_key_col",
    "_has_asset_key_col_on_connection",
    "has_instigators_table",
    "_has_instigators_table",
    "_has_asset_daemon_asset_evaluations_table",
    "has_secondary_index_table",
)
"""What Dagster asks of its tables before many statements, each time with a look into the catalogue."""


class KeptConnectionStorage(DagsterPostgresStorage):
    """Dagster's storage, which connects for every statement, with connections that are kept.

    Connecting was more than half of the CPU time of a small run, and of a sensor's tick, which makes an
    instance of its own. All instances of a process use the same connections, until the process ends, and know
    what was found out about the tables.
    """

    @classmethod
    def from_config_value(  # type: ignore[override] # as in Dagster
        cls, inst_data: ConfigurableClassData | None, config_value: PostgresStorageConfig
    ) -> Self:
        """Make a storage; if its tables are missing, the first one of a process creates them."""
        url = pg_url_from_config(config_value)
        kept = _kept(url)
        storage = cls(url, should_autocreate_tables=False, inst_data=inst_data)
        databases: list[Any] = [storage.run_storage, storage.event_log_storage, storage.schedule_storage]
        for database in databases:
            database._engine = kept.engine  # noqa: SLF001 - Dagster has no setting for it
            for name in SCHEMA_QUESTIONS:
                if method := getattr(database, name, None):
                    setattr(database, name, partial(kept.ask, type(database), name, method))
        return storage


@dataclass(frozen=True)
class _Kept:
    """What all instances of a process share."""

    engine: sa.Engine
    present: set[tuple[object, ...]]
    """The questions about the schema that were answered with yes."""

    def ask(self, database: type, name: str, method: Callable[..., bool], *arguments: object) -> bool:
        """Ask whether a table or column is there until it is: while a process runs, none goes."""
        question = (database, name, *(column for column in arguments if isinstance(column, str)))
        if question not in self.present:
            if not method(*arguments):
                return False
            self.present.add(question)
        return True


@lru_cache(maxsize=1)
def _kept(url: str) -> _Kept:
    DagsterPostgresStorage(url)  # creates tables
    engine = sa.create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT_CONNECTIONS,
        max_overflow=-1,
        pool_recycle=RECYCLE_SECONDS,
    )
    sa.event.listen(engine, "checkout", _check_that_it_is_open)
    return _Kept(engine, set())


def _check_that_it_is_open(connection: Any, _record: object, _proxy: object) -> None:
    """Replace a connection that its server has closed; asking the server was every third statement."""
    if connection.closed:
        raise sa.exc.DisconnectionError
    waiting = select.poll()  # not `select.select`, which knows no file descriptors above 1,023
    waiting.register(connection, select.POLLIN)
    if waiting.poll(0):
        raise sa.exc.DisconnectionError
