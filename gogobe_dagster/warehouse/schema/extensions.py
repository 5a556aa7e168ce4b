"""The PostgreSQL extension that search needs, or an error that tells an administrator what to do."""

import sqlalchemy as sa

from gogobe_dagster.errors import DatabaseUnavailable

TRIGRAMS = "pg_trgm"
_HEBREW_HAS_TRIGRAMS = "select cardinality(show_trgm('חלב')) > 0"


def require_trigrams(connection: sa.Connection) -> None:
    """Install pg_trgm in the database unless it is there. Raises `DatabaseUnavailable`."""
    is_installed = "select 1 from pg_extension where extname = :name"
    if not connection.scalar(sa.text(is_installed), {"name": TRIGRAMS}):
        _create(connection)
    # with locale C only ASCII letters belong to words, and a Hebrew name would have no trigrams at all
    if not connection.scalar(sa.text(_HEBREW_HAS_TRIGRAMS)):
        raise DatabaseUnavailable(
            "the database's locale does not know Hebrew letters, so names cannot be searched: create it with "
            "locale C.UTF-8 or he_IL.UTF-8 (create database … template template0 locale 'C.UTF-8')"
        )


def _create(connection: sa.Connection) -> None:
    is_available = "select 1 from pg_available_extensions where name = :name"
    if not connection.scalar(sa.text(is_available), {"name": TRIGRAMS}):
        raise DatabaseUnavailable(
            f"the PostgreSQL server has no {TRIGRAMS}, which search needs: install PostgreSQL's contrib "
            "package (postgresql-contrib) on it"
        )
    try:
        with connection.begin_nested():
            connection.execute(sa.text(f"create extension {TRIGRAMS}"))
    except sa.exc.ProgrammingError as error:
        raise DatabaseUnavailable(
            f"this role may not create the extension {TRIGRAMS}, which search needs: have the server's "
            f"administrator run `create extension {TRIGRAMS}` in this database ({error.orig})"
        ) from error
