"""Where `gogobe read` puts rows: a table on the terminal, CSV, JSON lines, Parquet.

Rows go out file by file, so that memory holds one. A file that is written appears when it is whole.
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
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.file_reader import ParsedFile

ZONE = "Asia/Jerusalem"
MOMENT = "%Y-%m-%dT%H:%M:%S%:z"
CLOCK = "%Y-%m-%d %H:%M"
IDS = ("chain_id", "sub_chain_id", "store_id")
SHOWN = {
    Document.PRICES: ("code", "name", "manufacturer", "price", "unit_price", "unit_of_measure", "priced_at"),
    Document.STORES: ("sub_chain_id", "store_id", "name", "address", "city", "zip_code"),
    Document.PROMOTIONS: (
        *("promotion_id", "description", "ends_at", "min_quantity", "discounted_price", "discount_rate"),
        "items.code",
    ),
}
"""What a terminal has room for."""


class Output(Protocol):
    """Takes the rows of one file after the other."""

    def add(self, name: str, file: ParsedFile) -> None:
        """Take a file's rows."""


@contextmanager
def open_output(form: str, path: Path | None, *, most_rows: int) -> Iterator[Output]:
    """Open what the rows go to; "none" takes them and shows nothing."""
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
            yield _Tables(stream, most_rows) if form == "table" else _Nothing()


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


class _Nothing:
    def add(self, name: str, file: ParsedFile) -> None:
        """Only the summary is wanted."""


class _Csv:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._documents = _OneDocument("CSV")

    def add(self, name: str, file: ParsedFile) -> None:
        is_first = self._documents.check(file.document)
        frame = _for_people(_flat(_named(name, file)))
        frame.write_csv(self._stream, include_header=is_first)
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class _JsonLines:
    """Every row names its columns, so documents may be mixed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def add(self, name: str, file: ParsedFile) -> None:
        frame = _for_people(_named(name, file))
        # a decimal as a number would be read as a binary float by most
        frame.with_columns(pl.selectors.decimal().cast(pl.String)).write_ndjson(self._stream)
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class _Parquet:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._documents = _OneDocument("Parquet")
        self._writer: Any = None

    def add(self, name: str, file: ParsedFile) -> None:
        self._documents.check(file.document)
        table = _named(name, file).to_arrow()
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._stream, table.schema, compression="zstd")
        self._writer.write_table(table.cast(self._writer.schema))

    def close(self) -> None:
        if self._writer is None:
            raise click.UsageError("no file could be read, so there are no columns to write")
        self._writer.close()


class _OneDocument:
    """Stores and prices have different columns, and a file of columns can have but one set of them."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._document: Document | None = None

    def check(self, document: Document) -> bool:
        """Say whether it is the first; refuse another than the first."""
        is_first = self._document is None
        if self._document not in {None, document}:
            raise click.UsageError(
                f"{self._form} has one set of columns, and the files hold {self._document} and {document}: "
                f"choose --only {self._document} or --only {document}, or take --format jsonl"
            )
        self._document = document
        return is_first


class _Tables:
    def __init__(self, stream: BinaryIO, most_rows: int) -> None:
        self._most = most_rows
        self._console = Console(file=sys.stdout if stream is sys.stdout.buffer else _text(stream))

    def add(self, name: str, file: ParsedFile) -> None:
        frame = _for_people(_flat(file.rows.head(self._most)), form=CLOCK)
        shown = [column for column in SHOWN[file.document] if column in frame.columns]
        ids = [
            f"{getattr(file.header, column)}" for column in IDS if getattr(file.header, column) is not None
        ]
        table = Table(
            *shown, title=f"{escape(name)} ({' '.join(ids)})", title_justify="left", box=box.SIMPLE_HEAD
        )
        for row in frame.select(shown).head(self._most).iter_rows():
            table.add_row(*map(_shown, row))
        self._console.print(table)
        self._console.print(_counted(file, shown=min(self._most, len(file.rows))), highlight=False)


def _shown(value: object) -> str:
    """Show money with agorot, and nothing for a null."""
    if isinstance(value, Decimal) and value == round(value, 2):
        return f"{value:.2f}"
    return "" if value is None else escape(str(value))


def _counted(file: ParsedFile, *, shown: int) -> str:
    report = file.report
    lost = {**report.reasons, "duplicate": report.duplicates}
    notes = [f"{number:,} {why}" for why, number in lost.items() if number]
    return ", ".join(
        [f"{shown:,} of {report.rows:,} rows of {file.document}", *notes, "all columns with --format csv"]
    )


def _text(stream: BinaryIO) -> Any:
    return io.TextIOWrapper(stream, encoding="utf-8", write_through=True)


# ---------------------------------------------------------------- rows


def _named(name: str, file: ParsedFile) -> pl.DataFrame:
    """Put in front of the rows which file and which store they are of, where they do not say it."""
    ids = [
        pl.lit(getattr(file.header, column), pl.String if column == "chain_id" else pl.Int32).alias(column)
        for column in IDS
        if column not in file.rows.columns
    ]
    return file.rows.select(pl.lit(name).alias("file"), *ids, pl.all())


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Spread lists over rows, and what is inside over columns: `items` becomes `items.code` and so on."""
    for column, kind in frame.schema.items():
        if isinstance(kind, pl.List):
            # a promotion without named items is a row all the same; Polars 2 drops what is empty
            filled = pl.when(pl.col(column).list.len() > 0).then(pl.col(column))
            frame = frame.with_columns(filled).explode(column)
        if isinstance(frame.schema[column], pl.Struct):
            inside = pl.col(column).struct.unnest().name.prefix(f"{column}.")
            frame = frame.with_columns(inside).drop(column)
    return frame


def _for_people(frame: pl.DataFrame, *, form: str = MOMENT) -> pl.DataFrame:
    """Show moments on the clock of Israel, with its distance from UTC."""
    moments = pl.selectors.datetime(time_zone="*")
    return frame.with_columns(moments.dt.convert_time_zone(ZONE).dt.to_string(form))
