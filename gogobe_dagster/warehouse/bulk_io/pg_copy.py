"""Frames to PostgreSQL and back, by COPY and arrays. Nothing here knows what the rows mean."""

from collections.abc import Collection
from io import BytesIO
from typing import Any

import polars as pl
import psycopg
import sqlalchemy as sa
from psycopg import adapt, pq, sql

from gogobe_dagster.warehouse.bulk_io.pg_binary import Array, copy_blocks, has_form


class _ArrayDumper(adapt.Dumper):
    """Passes an array as it is. Its type is that of the cast in the query."""

    format = pq.Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj


def execute(connection: sa.Connection, query: str, **parameters: Any) -> list[tuple[bytes, ...]]:
    """Run a query of psycopg's form with columns as arrays; return its rows, values in binary form.

    A column needs a cast in the query: `unnest(%(price)s::numeric[])`. The query is planned for its
    parameters each time: how many there are decides which plan is good.
    """
    given = {
        name: Array.of(parameter) if isinstance(parameter, pl.Series) else parameter
        for name, parameter in parameters.items()
    }
    with driver_cursor(connection) as cursor:
        cursor.adapters.register_dumper(Array, _ArrayDumper)
        cursor.execute(query, given, prepare=False, binary=True)
        result = cursor.pgresult
        if result is None:
            return []
        return [
            tuple(result.get_value(row, column) or b"" for column in range(result.nfields))
            for row in range(result.ntuples)
        ]


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
    """Append a frame to a table with columns of the same names and types.

    In binary form where there is no text: half the work for both sides.
    """
    if frame.is_empty():
        return
    # Binary COPY rejects a column of another width than the table's, so a wrong type is never stored.
    is_binary = has_form(frame.schema)
    force_null = sql.SQL(", force_null ({})").format(_names(empty_is_null)) if empty_is_null else sql.SQL("")
    form = sql.SQL("format binary") if is_binary else sql.SQL("format csv") + force_null
    columns = _names(frame.columns)
    statement = sql.SQL("copy {} ({}) from stdin ({})").format(sql.Identifier(table), columns, form)
    with driver_cursor(connection) as cursor, cursor.copy(statement) as copy:
        for block in copy_blocks(frame) if is_binary else [_csv(frame)]:
            copy.write(block)


def _csv(frame: pl.DataFrame) -> bytes:
    data = BytesIO()
    frame.write_csv(data, include_header=False)
    # getvalue shares its bytes. A view from getbuffer that lives on in the traceback of an error keeps the
    # garbage collector from closing the BytesIO, which Python 3.13 and later report as a BufferError.
    return data.getvalue()


def stage(connection: sa.Connection, name: str, columns: str, frame: pl.DataFrame) -> None:
    """Put a frame into a temporary table, with statistics, so that joins on it are planned well."""
    create = f"create temporary table if not exists {name} ({columns}) on commit delete rows"
    connection.execute(sa.text(create))
    # The table lives as long as the session: an earlier chunk of this transaction may have left its rows.
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
