"""Frames to PostgreSQL and back by COPY, the one way that is fast. Nothing here knows what the rows mean."""

from collections.abc import Collection
from io import BytesIO

import polars as pl
import psycopg
import sqlalchemy as sa
from psycopg import sql

MICROSECONDS = "(date_part('epoch', {}) * 1000000)::bigint"
"""How a query for `copy_out` selects a time; PostgreSQL and Polars both count microseconds."""


def copy_out(connection: sa.Connection, query: sql.Composable, schema: pl.Schema) -> pl.DataFrame:
    """Return a query's rows as a frame. Times are selected as `MICROSECONDS`."""
    statement = sql.SQL("copy ({}) to stdout (format csv)").format(query)
    with _cursor(connection) as cursor, cursor.copy(statement) as copy:
        data = BytesIO(b"".join(bytes(block) for block in copy))
    if not data.getbuffer().nbytes:
        return pl.DataFrame(schema=schema)
    as_sent = {name: pl.Int64() if type_ == pl.Datetime else type_ for name, type_ in schema.items()}
    return pl.read_csv(data, has_header=False, schema=pl.Schema(as_sent)).cast(schema)


def copy_in(
    connection: sa.Connection, table: str, frame: pl.DataFrame, *, empty_is_null: Collection[str] = ()
) -> None:
    """Append a frame to a table with columns of the same names."""
    if frame.is_empty():
        return
    data = BytesIO()
    frame.write_csv(data, include_header=False)
    force_null = sql.SQL(", force_null ({})").format(_names(empty_is_null)) if empty_is_null else sql.SQL("")
    statement = sql.SQL("copy {} ({}) from stdin (format csv{})").format(
        sql.Identifier(table), _names(frame.columns), force_null
    )
    with _cursor(connection) as cursor, cursor.copy(statement) as copy:
        copy.write(data.getbuffer())


def stage(connection: sa.Connection, name: str, columns: str, frame: pl.DataFrame) -> None:
    """Put a frame into a temporary table, with statistics, so that joins on it are planned well."""
    create = f"create temporary table if not exists {name} ({columns}) on commit delete rows"
    connection.execute(sa.text(create))
    connection.execute(sa.text(f"truncate {name}"))
    copy_in(connection, name, frame)
    connection.execute(sa.text(f"analyze {name}"))


def _cursor(connection: sa.Connection) -> "psycopg.Cursor[tuple[object, ...]]":
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"COPY needs psycopg 3, not {type(driver).__name__}")
    return driver.cursor()


def _names(names: Collection[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))
