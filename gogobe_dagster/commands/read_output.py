"""Output formats of `gogobe read`: a table on the terminal, CSV, JSON lines, Parquet.

Rows are written file by file, so that memory holds those of one file. An output file appears when it is
complete.
"""

import io
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import click
import polars as pl
import pyarrow.parquet as pq
from rich.markup import escape

from gogobe_dagster.commands.tables import Column, fitted_table, open_console
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.library.rows import IDS, with_file_and_store, with_item_prices, with_unit_prices
from gogobe_dagster.parsing.file_reader import ParsedFile
from gogobe_dagster.printable import FORMULA_START, TEXT_MARK, printable

TIME_ZONE = "Asia/Jerusalem"
TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%S%:z"
SHORT_TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M"
TABLE_COLUMNS = {
    Document.PRICES: (
        Column("code"),
        Column("name", wraps=True),
        Column("price", "right"),
        Column("comparable_price", "right", is_optional=True),
        Column("base_unit", is_optional=True),
        Column("price_set_at"),
        Column("manufacturer", is_optional=True),
    ),
    Document.STORES: (
        Column("sub_chain_id", "right", is_optional=True),
        Column("store_id", "right"),
        Column("name", wraps=True),
        Column("city"),
        Column("address", wraps=True),
        Column("zip_code", is_optional=True),
    ),
    Document.PROMOTIONS: (
        Column("promotion_id"),
        Column("items.code"),
        Column("description", wraps=True),
        Column("ends_at"),
        Column("effective_unit_price", "right", is_optional=True),
        Column("no_price_reason", is_optional=True),
        Column("discounted_price", "right", is_optional=True),
        Column("min_quantity", "right", is_optional=True),
        Column("discount_rate", "right", is_optional=True),
    ),
}
"""What a table shows; optional columns are left out on a narrow terminal, the last one first."""


class Output(Protocol):
    """Writes the rows of one file after another."""

    def add(self, name: str, file: ParsedFile) -> None:
        """Write the rows of a file."""


@contextmanager
def open_output(form: str, path: Path | None, *, max_rows: int) -> Iterator[Output]:
    """Open an output for the rows; "none" discards them."""
    with ExitStack() as stack:
        stream = stack.enter_context(_draft(path)) if path and form != "none" else sys.stdout.buffer
        outputs: dict[str, type[_Csv | _JsonLines | _Parquet]] = {
            "csv": _Csv,
            "jsonl": _JsonLines,
            "parquet": _Parquet,
        }
        if form in outputs:
            output = outputs[form](stream)
            yield output
            output.close()
        else:
            yield _Tables(stream, max_rows) if form == "table" else _Discard()


@contextmanager
def _draft(path: Path) -> Iterator[BinaryIO]:
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.draft")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(path)
    except FileNotFoundError:
        raise click.UsageError(f"no such folder: {path.parent}") from None
    finally:
        draft.unlink(missing_ok=True)


class _Discard:
    def add(self, name: str, file: ParsedFile) -> None:
        """Discard the rows: only the summary is shown."""


class _Csv:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._documents = _SingleDocument("CSV")

    def add(self, name: str, file: ParsedFile) -> None:
        is_first = self._documents.check(file.document)
        frame = _localize(with_item_prices(_flatten(with_file_and_store(name, file))))
        _without_formulas(frame).write_csv(self._stream, include_header=is_first)
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class _JsonLines:
    """Each row names its columns, so that document types may be mixed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def add(self, name: str, file: ParsedFile) -> None:
        frame = _localize(with_unit_prices(with_file_and_store(name, file)))
        # most JSON parsers would read a decimal number as a binary float
        frame.with_columns(pl.selectors.decimal().cast(pl.String)).write_ndjson(self._stream)
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class _Parquet:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._documents = _SingleDocument("Parquet")
        self._writer: Any = None

    def add(self, name: str, file: ParsedFile) -> None:
        self._documents.check(file.document)
        table = with_unit_prices(with_file_and_store(name, file)).to_arrow()
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._stream, table.schema, compression="zstd")
        self._writer.write_table(table.cast(self._writer.schema))

    def close(self) -> None:
        if self._writer is None:
            raise click.UsageError("no file could be read, so that there is nothing to write")
        self._writer.close()


class _SingleDocument:
    """Makes sure that all rows are of one document type, because each type has its own columns."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._document: Document | None = None

    def check(self, document: Document) -> bool:
        """Return whether it is the first document; raise if it is of another type than the first."""
        is_first = self._document is None
        if self._document not in {None, document}:
            raise click.UsageError(
                f"{self._form} has one set of columns, but the files have {self._document} and {document}: "
                f"use --only {self._document}, --only {document} or --format jsonl"
            )
        self._document = document
        return is_first


class _Tables:
    def __init__(self, stream: BinaryIO, max_rows: int) -> None:
        self._max_rows = max_rows
        self._console = open_console(None if stream is sys.stdout.buffer else _text(stream))

    def add(self, name: str, file: ParsedFile) -> None:
        frame = with_item_prices(_flatten(file.rows.head(self._max_rows)))
        frame = _localize(frame, timestamp_format=SHORT_TIMESTAMP_FORMAT)
        columns = [column for column in TABLE_COLUMNS[file.document] if column.name in frame.columns]
        ids = [
            f"{getattr(file.header, column)}" for column in IDS if getattr(file.header, column) is not None
        ]
        title = f"{escape(printable(name))} ({' '.join(ids)})"
        shown = frame.select([column.name for column in columns]).head(self._max_rows)
        rows = [[_format(value) for value in row] for row in shown.iter_rows()]
        self._console.print(fitted_table(self._console, title, columns, rows))
        self._console.print(_summary_line(file, shown=min(self._max_rows, len(file.rows))), highlight=False)


def _format(value: object) -> str:
    """Format prices with agorot, and null as an empty text."""
    if isinstance(value, Decimal) and value == round(value, 2):
        return f"{value:.2f}"
    return "" if value is None else str(value)


def _summary_line(file: ParsedFile, *, shown: int) -> str:
    report = file.report
    rejected = {**report.reasons, "duplicate": report.duplicates}
    notes = [f"{count:,} {reason}" for reason, count in rejected.items() if count]
    return ", ".join(
        [f"{shown:,} of {report.rows:,} rows of {file.document}", *notes, "all columns with --format csv"]
    )


def _text(stream: BinaryIO) -> Any:
    return io.TextIOWrapper(stream, encoding="utf-8", write_through=True)


# ---------------------------------------------------------------- rows


def _flatten(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn list elements into rows and struct fields into columns, such as `items.code`."""
    for column, kind in frame.schema.items():
        if isinstance(kind, pl.List):
            # keeps promotions without items: Polars 2 drops rows with empty lists
            filled = pl.when(pl.col(column).list.len() > 0).then(pl.col(column))
            frame = frame.with_columns(filled).explode(column)
        if isinstance(frame.schema[column], pl.Struct):
            inside = pl.col(column).struct.unnest().name.prefix(f"{column}.")
            frame = frame.with_columns(inside).drop(column)
    return frame


def _without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Mark texts that a spreadsheet would run."""
    return frame.with_columns(pl.selectors.string().str.replace(FORMULA_START, f"{TEXT_MARK}${{0}}"))


def _localize(frame: pl.DataFrame, *, timestamp_format: str = TIMESTAMP_FORMAT) -> pl.DataFrame:
    """Format timestamps in Israel's time zone."""
    timestamps = pl.selectors.datetime(time_zone="*")
    return frame.with_columns(timestamps.dt.convert_time_zone(TIME_ZONE).dt.to_string(timestamp_format))
