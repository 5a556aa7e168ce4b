"""Frames to PostgreSQL and back, as fast as it goes. Nothing here knows what the rows mean."""

from collections.abc import Collection
from io import BytesIO
from typing import Any

import polars as pl
import psycopg
import sqlalchemy as sa
from psycopg import sql


def read_lines(connection: sa.Connection, query: str, schema: pl.Schema, **parameters: Any) -> pl.DataFrame:
    """Return the frame whose rows a query sends as one text of lines: numbers, times as microseconds.

    One text instead of rows: psycopg hands COPY's output over row by row, which costs twice as much.
    """
    lines = connection.scalar(sa.text(query), parameters)
    if not lines:
        return pl.DataFrame(schema=schema)
    as_sent = {name: pl.Int64() if type_ == pl.Datetime else type_ for name, type_ in schema.items()}
    frame = pl.read_csv(BytesIO(lines.encode()), has_header=False, schema=pl.Schema(as_sent))
    return frame.cast(schema)


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
    with driver_cursor(connection) as cursor, cursor.copy(statement) as copy:
        copy.write(data.getbuffer())


def stage(connection: sa.Connection, name: str, columns: str, frame: pl.DataFrame) -> None:
    """Put a frame into a temporary table, with statistics, so that joins on it are planned well."""
    create = f"create temporary table if not exists {name} ({columns}) on commit delete rows"
    connection.execute(sa.text(create))
    connection.execute(sa.text(f"truncate {name}"))
    copy_in(connection, name, frame)
    connection.execute(sa.text(f"analyze {name}"))


def driver_cursor(connection: sa.Connection) -> "psycopg.Cursor[tuple[Any, ...]]":
    """Return a cursor of psycopg itself, which knows COPY."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"COPY needs psycopg 3, not {type(driver).__name__}")
    return driver.cursor()


def _names(names: Collection[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))
