"""Reaching the warehouse: one way to connect, one way to bring its schema up to date.

Alembic runs from inside the package, without an alembic.ini. What the tables are is `tables.py`.
"""

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.warehouse.schema import (
    tables,  # noqa: F401 - they register with the metadata
)
from gogobe_dagster.warehouse.schema.columns import metadata

SCRIPTS = Path(__file__).parent / "migrations"
LOCK = 0x60_60_BE_01
"""Any number that nobody else uses for an advisory lock."""
CONNECT_SECONDS = 10
DRIVER = "postgresql+psycopg"
_PARTITION = re.compile(r"price_past_\d{4}_\d{2}$")
_SQL_ONLY = {"product_name_spelled_idx"}  # needs an extension, which tables.py cannot ask for


def _is_ours(name: str | None, type_: str, _parents: object) -> bool:
    """Tell Alembic to look past the monthly partitions, which are made while loading."""
    return not (type_ == "table" and name and _PARTITION.match(name)) and name not in _SQL_ONLY


COMPARISON: dict[str, Any] = {
    "target_metadata": metadata,
    "include_name": _is_ours,
    "compare_type": True,
    "compare_server_default": True,
}
"""How schema and tables are compared, for Alembic and for the test."""


def connect(url: str) -> sa.Engine:
    """Return an engine for a PostgreSQL URL, whatever its driver part says.

    Raises `DatabaseUnavailable` when the server does not answer; the message never holds the password.
    """
    parsed = _parse(url)
    engine = sa.create_engine(parsed, connect_args={"connect_timeout": CONNECT_SECONDS}, pool_pre_ping=True)
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("select 1"))
    except sa.exc.OperationalError as error:
        engine.dispose()
        server = parsed.set(drivername="postgresql").render_as_string(hide_password=True)
        reason = str(error.orig).strip()
        raise DatabaseUnavailable(f"PostgreSQL does not answer at {server}: {reason}") from error
    return engine


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise DatabaseUnavailable("the database URL is none: expected postgresql://…") from None
    if parsed.drivername.partition("+")[0] not in {"postgresql", "postgres"}:
        raise DatabaseUnavailable(
            f"the database URL must begin with postgresql://, not {parsed.drivername}://"
        )
    return parsed.set(drivername=DRIVER)


def migrate(url: str) -> None:
    """Bring the schema up to date. Idempotent; processes that start together take turns."""
    engine = connect(url)
    try:
        with engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            command.upgrade(config(connection), "head")
    finally:
        engine.dispose()


def config(connection: sa.Connection) -> Config:
    """Return the configuration with which Alembic's commands run on this connection."""
    settings = Config()
    settings.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings
