"""The lake: parsed rows as Parquet, one file per batch, the exact record of what was published.

`prices/feed=rami_levy/day=2026-11-23/<key>.parquet` in a folder or in object storage; DuckDB and Polars read
it directly. A file is complete or absent. What the columns mean is in `parsing/model.py`; which published
file is in which lake file is in the ledger.
"""

import base64
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from os import SEEK_END
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.durable import DRAFT, draft, files_below, open_root, put, unreadable
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.model import PRICES, PROMOTIONS, SCHEMA_VERSION, STORES

SCHEMAS: Final = {
    Document.PRICES: PRICES,
    Document.STORES: STORES,
    Document.PROMOTIONS: PROMOTIONS,
}
FILE_ID: Final = "file_id"
DAMAGED: Final = ".damaged"
"""Of files that could not be read. Nothing removes them: the fault may be the reader's."""
MAGIC: Final = b"PAR1"
"""The first and the last bytes of a Parquet file."""
ROW_ID: Final = (FILE_ID, "row_number")
VERSION_KEY: Final = b"gogobe.schema_version"
ARROW_SCHEMA: Final = b"ARROW:schema"
"""Where Arrow writes its schema, and looks for it: https://arrow.apache.org/docs/cpp/parquet.html."""
_BATCH: Final = re.compile(r"\w+/feed=[^/]+/day=(\d{4}-\d{2}-\d{2})/[^./][^/]*\.parquet")
ROW_GROUP: Final = 100_000
"""Rows per row group. One published file stays in one group, so that reading it skips the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeFile:
    """A file in the lake."""

    path: str
    """Relative to the lake's root."""
    size: int
    modified_at: datetime

    @property
    def is_draft(self) -> bool:
        """Whether it is incomplete: its batch is running or was killed."""
        return self.path.endswith(DRAFT)


class LakeBatch:
    """A file being written, with the memory of one row group."""

    def __init__(self, path: str, writer: Any) -> None:
        """Write to this writer, which the caller closes."""
        self.path = path
        """Relative to the lake's root; the ledger keeps it, and `Lake.read` takes it."""
        self._writer = writer
        self._schema = writer.schema
        self._waiting: list[tuple[int, pl.DataFrame]] = []
        self._rows = 0

    def add(self, file_id: int, rows: pl.DataFrame) -> None:
        """Add the rows of one published file: the columns of the model without `file_id`."""
        self._waiting.append((file_id, rows))
        self._rows += len(rows)
        if self._rows >= ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        """Write the waiting rows as one row group."""
        if self._rows:
            self._writer.write_table(self._table(), row_group_size=self._rows)
        self._waiting, self._rows = [], 0

    def _table(self) -> pa.Table:
        """Concatenate the waiting files first: a thousand small ones are converted like one large one."""
        waiting = [(file_id, rows) for file_id, rows in self._waiting if len(rows)]
        # not by pyarrow's constructors: they import pandas, which a small run would pay for
        ids = [pl.repeat(file_id, len(rows), dtype=pl.Int64, eager=True) for file_id, rows in waiting]
        whole = pl.concat([rows for _, rows in waiting], rechunk=True)
        whole = whole.with_columns(pl.concat(ids, rechunk=True).alias(FILE_ID))
        table = whole.to_arrow(compat_level=pl.CompatLevel.newest())
        return table.select(self._schema.names).cast(self._schema)


class Lake:
    """A folder, local or in object storage."""

    def __init__(self, root: str | UPath) -> None:
        """Nothing is created until something is written."""
        self._root = open_root(root)

    @contextmanager
    def batch(self, document: Document, *, feed: str, day: date, key: str) -> Iterator[LakeBatch]:
        """Write one file; the same key overwrites it. An exception leaves the previous file.

        Afterwards it is stored: it survives a power cut.
        """
        path = f"{document}/feed={feed}/day={day.isoformat()}/{key}.parquet"
        final = self._root / path
        with draft(final.with_name(f".{key}.{uuid.uuid4().hex}{DRAFT}")) as written:
            with _writer(written.file, SCHEMAS[document]) as writer:
                batch = LakeBatch(path, writer)
                yield batch
                batch.flush()
            written.publish(final)

    def read(
        self, document: Document, sources: Mapping[int, str], *, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return the rows of these published files, given as id and path, ordered by file and row.

        `columns` are those of the model unless given; file and row are always included. Raises `ContentError`
        (`lake_file_missing`) if a file does not exist or is no Parquet file; that one is put aside under
        another name, so that its batch is parsed again.
        """
        schema = SCHEMAS[document]
        if columns is not None:
            wanted = {*ROW_ID, *columns}
            schema = pa.schema([field for field in schema if field.name in wanted])
        files_by_path: dict[str, list[int]] = {}
        for file_id, path in sources.items():
            files_by_path.setdefault(path, []).append(file_id)
        wanted_schema = pl.Schema(schema)
        frames = [self._read_file(path, ids, wanted_schema) for path, ids in sorted(files_by_path.items())]
        frame = pl.concat(frames) if frames else wanted_schema.to_frame()
        return frame if _is_ordered(frame) else frame.sort(ROW_ID)

    def has(self, path: str) -> bool:
        """Whether a file exists and begins and ends as Parquet does, by the path of its batch.

        What a power cut or a full disk leaves is empty, cut off or full of zeros, and ends otherwise.
        """
        try:
            with (self._root / path).open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    return False  # nor is it as long as seeking back from its end needs
                file.seek(-len(MAGIC), SEEK_END)
                return bool(file.read() == MAGIC)
        except unreadable(self._root):
            return False

    def files(self) -> list[LakeFile]:
        """Return every file that batches wrote, including drafts of running and of killed writers."""
        return [
            LakeFile(path=found.path, size=found.size, modified_at=found.modified_at)
            for found in files_below(self._root)
            if found.path.endswith((".parquet", DRAFT)) and found.path.partition("/")[0] in set(Document)
        ]

    def content(self, path: str) -> UPath:
        """Return where the bytes of a file are."""
        return self._root / path

    def put(self, path: str, content: bytes) -> None:
        """Store the bytes of a whole file, as a backup has them."""
        put(self._root / path, content)

    def sizes(self, *, before: date) -> dict[str, int]:
        """Return the size in bytes of every file of earlier days, by path."""
        return {found.path: found.size for found in files_below(self._root) if _day(found.path) < before}

    def remove(self, path: str) -> None:
        """Remove a file. Idempotent."""
        (self._root / path).unlink(missing_ok=True)

    def _read_file(self, path: str, file_ids: list[int], schema: pl.Schema) -> pl.DataFrame:
        try:
            found = self._scan(path).filter(pl.col(FILE_ID).is_in(file_ids))
            return found.select(schema.names()).collect().cast(schema)
        except FileNotFoundError:
            problem = "is not in the lake"
        except pl.exceptions.ComputeError as error:
            problem = f"cannot be read ({error}) and was renamed in the lake"
            self._put_aside(path)
        reason = f"{path} {problem} {self._root}; it has the rows of the files {sorted(file_ids)}"
        raise ContentError(Code.LAKE_FILE_MISSING, reason)

    def _put_aside(self, path: str) -> None:
        damaged = self._root / path
        damaged.fs.mv(damaged.path, f"{damaged.path}{DAMAGED}")

    def _scan(self, path: str) -> pl.LazyFrame:
        """Open a file with Polars: texts point into the dictionary page, where Arrow copies them."""
        location = self._root / path
        source = location.path if location.protocol in {"", "file"} else location.read_bytes()
        # The folders with feed and day are for other readers.
        return pl.scan_parquet(source, hive_partitioning=False, glob=False)


def _day(path: str) -> date:
    """Return the day in a path; for any other path the latest date, which is never removed."""
    named = _BATCH.fullmatch(path)
    return date.fromisoformat(named[1]) if named else date.max


def _is_ordered(frame: pl.DataFrame) -> bool:
    """Whether rows are sorted already: checking is cheaper than sorting."""
    file, row = pl.col(FILE_ID).diff(), pl.col("row_number").diff()
    return bool(frame.select(((file > 0) | ((file == 0) & (row > 0))).all()).item())


def _writer(file: Any, schema: pa.Schema) -> Any:
    """Write Polars' string views without a copy; the metadata has the types of the model."""
    writer = pq.ParquetWriter(
        file,
        pa.schema([_as_view(field) for field in schema]),
        compression="zstd",
        write_statistics=[FILE_ID],  # used by reading; those of text would take a tenth of the writing time
        store_decimal_as_integer=True,
        store_schema=False,
    )
    arrow_schema = base64.b64encode(schema.serialize().to_pybytes())
    writer.add_key_value_metadata({VERSION_KEY: str(SCHEMA_VERSION).encode(), ARROW_SCHEMA: arrow_schema})
    return writer


def _as_view(field: pa.Field) -> pa.Field:
    return field.with_type(pa.string_view()) if pa.types.is_string(field.type) else field
