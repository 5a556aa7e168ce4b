"""Functions, triggers, views, comments and grants: replaced as a whole when they differ.

They hold no rows, so they need no versions: their files are what a database has after `migrate`. A
fingerprint in the database tells whether there is anything to do, because replacing a view waits for every
query that reads it.
"""

import hashlib
from collections.abc import Iterator

import psycopg
import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.columns import metadata
from gogobe_dagster.warehouse.schema.enums import Replaced
from gogobe_dagster.warehouse.schema.extensions import require_trigrams
from gogobe_dagster.warehouse.schema.fingerprints import is_current, remember
from gogobe_dagster.warehouse.schema.grants import grant_rights
from gogobe_dagster.warehouse.schema.views import FUNCTIONS, OFFER_EXPRESSIONS, VIEWS, read_sql

_ALEMBIC_COMMENTS = (
    "comment on table alembic_version is 'The migration that this database is at.';",
    "comment on column alembic_version.version_num is 'Revision, as in warehouse/schema/migrations.';",
)


def replace_definitions(connection: sa.Connection) -> None:
    """Replace functions, views, comments and grants, in the caller's transaction. Idempotent.

    Raises SQLAlchemy's error when a view has to lose a column on which somebody else's view depends.
    """
    functions = [read_sql(name, OFFER_EXPRESSIONS) for name in FUNCTIONS]
    views = [view.sql for view in VIEWS]
    comments = list(_comments())
    fingerprint = hashlib.sha256("\0".join([*functions, *views, *comments]).encode()).hexdigest()
    if is_current(connection, Replaced.DEFINITIONS, fingerprint):
        grant_rights(connection)  # the role may be newer than the definitions
        return
    require_trigrams(connection)  # and so load them: only then may a role store their parameters in functions
    _run(connection, "\n".join(functions))
    _replace_views(connection, "\n".join(views))
    _run(connection, "\n".join(comments))
    grant_rights(connection)
    remember(connection, Replaced.DEFINITIONS, fingerprint)


def _replace_views(connection: sa.Connection, views: str) -> None:
    """Replace all views in place, or, where PostgreSQL cannot do that to their columns, drop them first."""
    try:
        with connection.begin_nested():
            _run(connection, views)
    except sa.exc.ProgrammingError as error:
        if not isinstance(error.orig, psycopg.errors.InvalidTableDefinition):
            raise
        for view in reversed(VIEWS):
            connection.execute(sa.text(f"drop view if exists {view.name}"))
        _run(connection, views)


def _comments() -> Iterator[str]:
    yield from _ALEMBIC_COMMENTS
    for table in metadata.sorted_tables:
        yield f"comment on table {table.name} is {_literal(table.comment)};"
        for column in table.columns:
            yield f"comment on column {table.name}.{column.name} is {_literal(column.comment)};"
    for view in VIEWS:
        yield f"comment on view {view.name} is {_literal(view.comment)};"
        for name, meaning in view.columns.items():
            yield f"comment on column {view.name}.{name} is {_literal(meaning)};"


def _literal(text: str | None) -> str:
    return "'" + (text or "").replace("'", "''") + "'"


def _run(connection: sa.Connection, script: str) -> None:
    """Run statements as they are written: `%` does not begin a parameter."""
    connection.exec_driver_sql(script, execution_options={"no_parameters": True})
