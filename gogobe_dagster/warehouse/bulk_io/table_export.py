"""The tables as one Parquet or CSV file: streamed by COPY, so that memory holds a block whatever the size.

The file is there whole or not at all. What the columns mean is in docs/data.md: they are those of the views.
"""

import io
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any, Protocol

import psycopg
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import sqlalchemy as sa
from psycopg import sql
from upath import UPath

from gogobe_dagster.files.durable import DRAFT, draft
from gogobe_dagster.printable import FORMULA_START, TEXT_MARK
from gogobe_dagster.warehouse.bulk_io.pg_copy import driver_cursor
from gogobe_dagster.warehouse.bulk_io.stores_in_cities import stores_in_cities

BLOCK_ROWS = 100_000
"""Rows of a Parquet row group: about 30 MB of text, which is all that memory holds."""
TYPES: Mapping[str, pa.DataType] = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "numeric": pa.decimal128(14, 4),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "text": pa.string(),
}


class Subject(StrEnum):
    """What can be exported."""

    PRICES = "prices"
    PROMOTIONS = "promotions"
    STORES = "stores"
    PRODUCTS = "products"
    HISTORY = "history"


class FileFormat(StrEnum):
    """What the file is; also its suffix."""

    PARQUET = "parquet"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Which rows; empty: no limit. Products know neither store nor city."""

    chain_ids: Sequence[str] = ()
    store_ids: Sequence[int] = ()
    cities: Sequence[str] = ()
    """In any spelling, or codes of localities; see `stores_in_cities`."""


_PRODUCTS = """
select d.chain_id, c.name as chain_name, p.gtin, d.code, d.name, d.manufacturer, d.country, d.description,
    d.quantity, d.unit_quantity, d.unit_of_measure, d.is_weighted, d.quantity_in_package, d.base_unit,
    d.base_quantity, d.content_source, d.no_content_reason, d.attributes_as_of, d.product_key
from chain_product d join chain c using (chain_id) join product p using (product_key)
"""
SOURCES = {
    Subject.PRICES: "select * from current_prices",
    Subject.PROMOTIONS: "select * from promotions_now",
    # without its age: an interval that is old when the file is read
    Subject.STORES: """select chain_id, chain_name, sub_chain_id, sub_chain_name, store_id, store_name, city,
        locality_code, locality_name, district, listing_status, prices, newest_full_at, newest_delta_at,
        first_seen_at, last_seen_at, store_type, store_key from store_coverage""",
    Subject.PRODUCTS: _PRODUCTS,
    Subject.HISTORY: "select * from price_periods",
}


def export(
    engine: sa.Engine,
    subject: Subject,
    only: Only,
    path: UPath,
    *,
    format_: FileFormat,
    tell: Callable[[int], object],
    block_rows: int = BLOCK_ROWS,
) -> int:
    """Write the rows as they are now; return how many. `tell` is called with the number of each block.

    The file may be in object storage; a folder must exist.
    """
    with engine.connect() as connection, _appearing(path) as file, driver_cursor(connection) as cursor:
        cursor.execute("set local timezone to 'UTC'")
        query = _query(subject, only, stores_in_cities(cursor, only.cities) if only.cities else None)
        return write_query(cursor, query, file, format_=format_, tell=tell, block_rows=block_rows)


def write_query(
    cursor: psycopg.Cursor[Any],
    query: sql.Composed,
    file: IO[bytes] | io.RawIOBase,
    *,
    format_: FileFormat,
    tell: Callable[[int], object],
    block_rows: int = BLOCK_ROWS,
) -> int:
    """Write the rows of a query to an open file; return how many."""
    schema = schema_of(cursor, query)
    if format_ is FileFormat.CSV:
        query = _without_formulas(query, schema)
    rows = 0
    with _writer(file, schema, format_) as writer:
        for block, number in _blocks(cursor, query, block_rows):
            writer.write(block)
            rows += number
            tell(number)
    return rows


def _query(subject: Subject, only: Only, store_keys: Sequence[int] | None) -> sql.Composed:
    conditions = [
        sql.SQL("{} = any({})").format(sql.Identifier(column), sql.Literal(list(values)))
        for column, values in (
            ("chain_id", only.chain_ids or None),
            ("store_id", only.store_ids or None),
            ("store_key", store_keys),
        )
        if values is not None
    ]
    where = sql.SQL(" where ") + sql.SQL(" and ").join(conditions) if conditions else sql.SQL("")
    return sql.SQL("select * from ({}) everything").format(sql.SQL(SOURCES[subject])) + where


def _without_formulas(query: sql.Composed, schema: pa.Schema) -> sql.Composed:
    """Mark texts that a spreadsheet would run: names come from whoever publishes them."""
    marked = sql.SQL("case when {0} ~ {1} then {2} || {0} else {0} end as {0}")
    columns = [
        marked.format(sql.Identifier(column.name), sql.Literal(FORMULA_START), sql.Literal(TEXT_MARK))
        if column.type == pa.string()
        else sql.Identifier(column.name)
        for column in schema
    ]
    return sql.SQL("select {} from ({}) as everything").format(sql.SQL(", ").join(columns), query)


@contextmanager
def _appearing(path: UPath) -> Iterator[IO[bytes]]:
    with draft(path.with_name(f".{path.name}.{uuid.uuid4().hex}{DRAFT}")) as written:
        yield written.file
        written.publish(path)


def schema_of(cursor: psycopg.Cursor[Any], query: sql.Composed) -> pa.Schema:
    """Return the columns of a query as they are written."""
    cursor.execute(query + sql.SQL(" limit 0"))
    names = dict(_type_names(cursor))
    cursor.execute(query + sql.SQL(" limit 0"))
    return pa.schema([(column.name, _type(column, names)) for column in cursor.description or ()])


def _type(column: psycopg.Column, names: Mapping[int, str]) -> pa.DataType:
    if column.precision and column.scale is not None:
        return pa.decimal128(column.precision, column.scale)
    return TYPES[names[column.type_code]]


def _type_names(cursor: psycopg.Cursor[Any]) -> list[tuple[int, str]]:
    return cursor.execute("select oid, typname from pg_type where typtype = 'b'").fetchall()


def _blocks(cursor: psycopg.Cursor[Any], query: sql.Composed, block_rows: int) -> Iterator[tuple[bytes, int]]:
    """Give CSV text of whole rows: the server sends each row as one message."""
    statement = sql.SQL("copy ({}) to stdout (format csv)").format(query)
    with cursor.copy(statement) as copy:
        rows: list[bytes] = []
        for row in copy:
            rows.append(bytes(row))
            if len(rows) == block_rows:
                yield b"".join(rows), len(rows)
                rows = []
    if rows:
        yield b"".join(rows), len(rows)


class _Writer(Protocol):
    def write(self, block: bytes) -> None: ...


@contextmanager
def _writer(file: IO[bytes] | io.RawIOBase, schema: pa.Schema, format_: FileFormat) -> Iterator[_Writer]:
    if format_ is FileFormat.CSV:
        yield _CsvWriter(file, schema)
        return
    with pq.ParquetWriter(file, schema, compression="zstd") as parquet:
        yield _ParquetWriter(parquet, schema)


class _CsvWriter:
    def __init__(self, file: IO[bytes] | io.RawIOBase, schema: pa.Schema) -> None:
        self._file = file
        file.write(f"{','.join(schema.names)}\n".encode())

    def write(self, block: bytes) -> None:
        self._file.write(block)


class _ParquetWriter:
    def __init__(self, parquet: Any, schema: pa.Schema) -> None:
        self._parquet, self._schema = parquet, schema

    def write(self, block: bytes) -> None:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(block),
            read_options=pyarrow.csv.ReadOptions(column_names=self._schema.names, block_size=len(block) + 1),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=self._schema,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
        self._parquet.write_table(table)
