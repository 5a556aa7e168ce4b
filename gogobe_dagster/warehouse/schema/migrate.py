"""Reaching the warehouse: one way to connect, one way to bring its schema up to date.

Tables change by Alembic's revisions, which `make migration` writes from `tables` and `promotion_tables`.
Functions, views and comments are `repeatable`; the table of localities is filled by `store_localities`,
contents of products are found by `product_contents`.
Alembic runs from inside the package, without an alembic.ini.
"""

import re
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gogobe_dagster.errors import DatabaseUnavailable
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock
from gogobe_dagster.warehouse.schema.columns import metadata
from gogobe_dagster.warehouse.schema.product_contents import replace_contents
from gogobe_dagster.warehouse.schema.repeatable import replace_definitions
from gogobe_dagster.warehouse.schema.store_localities import replace_localities

SCRIPTS = Path(__file__).parent / "migrations"
CONNECT_SECONDS = 10
DRIVER = "postgresql+psycopg"
_PARTITION = re.compile(r"price_past_\d{4}_\d{2}$")


def _is_ours(name: str | None, type_: str, _parents: object) -> bool:
    """Hide the monthly partitions from Alembic: loads make them."""
    return not (type_ == "table" and name and _PARTITION.match(name))


COMPARISON: dict[str, Any] = {
    "include_name": _is_ours,
    "compare_type": True,
    "compare_server_default": True,
}
"""How Alembic compares the tables with a database."""


def versioned(tables: sa.MetaData) -> sa.MetaData:
    """Return what revisions are about: the tables without their comments, which are `repeatable`."""
    copy = sa.MetaData(naming_convention=tables.naming_convention)
    for table in tables.sorted_tables:
        bare = table.to_metadata(copy)
        bare.comment = None
        for column in bare.columns:
            column.comment = None
    return copy


def connect(url: str, *, role: str = "", options: str = "", **of_engine: Any) -> sa.Engine:
    """Return an engine for a PostgreSQL URL, whatever its driver part says.

    Timestamps arrive in UTC, whatever the server's time zone: Python compares those of one zone by local
    time, which is wrong in the hour that occurs twice in autumn. Raises `DatabaseUnavailable` when the server
    does not answer; the message never holds the password. `options` are those of libpq, such as
    `-c statement_timeout=5000`; what else is given is for SQLAlchemy's engine.
    """
    parsed = _parse(url)
    options = f"{parsed.query.get('options', '')} {options} -c timezone=UTC".strip()
    options += f" -c role={role}" if role else ""
    arguments = {"connect_timeout": CONNECT_SECONDS, "options": options}
    engine = sa.create_engine(parsed, connect_args=arguments, **{"pool_pre_ping": True, **of_engine})
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


def migrate(url: str, *, role: str = "") -> None:
    """Bring the schema up to date. Idempotent; of processes that start together, one does it.

    With `role`, as this role instead of the one in the URL, which must be a member of it. Raises
    `DatabaseUnavailable`, and changes nothing, if a newer version of this program made the tables, or if
    there is something to change and the role does not own them.
    """
    engine = connect(url, role=role)
    try:
        with engine.begin() as connection:
            lock(connection, AdvisoryLock.SCHEMA)
            check_revision(revision_of(connection), "the database's tables were made")
            command.upgrade(config(connection), "head")
            replace_definitions(connection)
        with engine.begin() as connection:
            replace_localities(connection)
        replace_contents(engine)
    except sa.exc.ProgrammingError as error:
        if not isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise
        reason = error.orig.diag.message_primary
        raise DatabaseUnavailable(
            f"the database's tables have to be made or changed, which {engine.url.username} may not do "
            f"({reason}): run `gogobe roles`, or any command as the role that owns them"
        ) from None
    finally:
        engine.dispose()


def revision_of(connection: sa.Connection) -> str | None:
    """Return the revision of a database's tables; None: it has none."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """Return the revision that `migrate` brings a database to."""
    return _scripts().get_current_head()


def check_revision(revision: str | None, subject: str) -> None:
    """Raise `DatabaseUnavailable` for a revision that this version of the program does not know."""
    if revision and revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise DatabaseUnavailable(
            f"{subject} by a newer version of gogobe (revision {revision}; this version knows up to "
            f"{newest_revision()}): install that version or a newer one"
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(SCRIPTS))


def config(connection: sa.Connection, *, scripts: Path = SCRIPTS, tables: sa.MetaData = metadata) -> Config:
    """Return the configuration with which Alembic's commands run on this connection."""
    settings = Config()
    settings.set_main_option("script_location", str(scripts).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.set_main_option("file_template", "m%%(rev)s_%%(slug)s")
    settings.attributes["connection"] = connection
    settings.attributes["metadata"] = tables
    return settings
