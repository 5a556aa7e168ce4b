"""The lake: parsed rows as Parquet, one file a batch, the exact record of what was observed.

`prices/feed=rami_levy/day=2026-11-23/<key>.parquet` in a folder or in object storage; DuckDB and Polars read
it as it is. A file is there whole or not at all. What rows mean is in `model`; which files there are, and
which file of a feed is where, is the ledger's.
"""

import base64
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.model import PRICES, PROMOTIONS, SCHEMA_VERSION, STORES

SCHEMAS: Final = {
    Document.PRICES: PRICES,
    Document.STORES: STORES,
    Document.PROMOTIONS: PROMOTIONS,
}
FILE_ID: Final = "file_id"
DRAFT: Final = ".draft"
OBSERVED: Final = (FILE_ID, "row_number")
VERSION_KEY: Final = b"gogobe.schema_version"
ARROW_SCHEMA: Final = b"ARROW:schema"
"""Where Arrow writes its schema, and looks for it: https://arrow.apache.org/docs/cpp/parquet.html."""
_BATCH: Final = re.compile(r"\w+/feed=[^/]+/day=(\d{4}-\d{2}-\d{2})/[^./][^/]*\.parquet")
ROW_GROUP: Final = 100_000
"""Many small files share a group; one file's rows stay together, so reading it skips the other groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeFile:
    """A file that is in the lake."""

    path: str
    """Relative to the lake's root."""
    size: int
    modified_at: datetime

    @property
    def is_draft(self) -> bool:
        """Whether it is not whole: its batch is running, or was killed."""
        return self.path.endswith(DRAFT)


class Lake:
    """A folder, local or in object storage."""

    def __init__(self, root: "str | UPath") -> None:
        """Nothing is created until something is written."""
        self._root = UPath(root)

    @contextmanager
    def batch(self, document: Document, *, feed: str, day: date, key: str) -> "Iterator[LakeBatch]":
        """Write one file; the same key overwrites it. An exception leaves what was there before."""
        path = f"{document}/feed={feed}/day={day.isoformat()}/{key}.parquet"
        final = self._root / path
        draft = final.with_name(f".{key}.{uuid.uuid4().hex}{DRAFT}")
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file, _writer(file, SCHEMAS[document]) as writer:
                batch = LakeBatch(path, writer)
                yield batch
                batch.flush()
            # one step in a folder; object storage copies, and shows the copy when it is whole
            draft.fs.mv(draft.path, final.path)
        finally:
            if draft.exists():
                draft.unlink()

    def read(
        self, document: Document, sources: Mapping[int, str], *, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return the rows of these files, ordered by file and row: file id to path as the batch gave it.

        `columns` are those of the model unless given; file and row are always among them. Raises
        `ContentError` (`lake_file_missing`) when a path is not there.
        """
        schema = SCHEMAS[document]
        if columns is not None:
            wanted = {*OBSERVED, *columns}
            schema = pa.schema([field for field in schema if field.name in wanted])
        files_by_path: dict[str, list[int]] = {}
        for file_id, path in sources.items():
            files_by_path.setdefault(path, []).append(file_id)
        wanted_schema = pl.Schema(schema)
        frames = [self._read_one(path, ids, wanted_schema) for path, ids in sorted(files_by_path.items())]
        frame = pl.concat(frames) if frames else wanted_schema.to_frame()
        return frame if _is_ordered(frame) else frame.sort(OBSERVED)

    def has(self, path: str) -> bool:
        """Whether a batch's file is there, by the path that the batch gave."""
        return bool((self._root / path).exists())

    def files(self) -> "list[LakeFile]":
        """Every file that batches wrote, drafts of running and of killed writers too; nobody else's."""
        fs, root = self._root.fs, self._root.path
        found = fs.find(root, detail=True) if self._root.exists() else {}
        sizes = {path.removeprefix(root).lstrip("/"): int(info["size"]) for path, info in found.items()}
        return [
            LakeFile(path=path, size=size, modified_at=_aware(fs.modified((self._root / path).path)))
            for path, size in sorted(sizes.items())
            if path.endswith((".parquet", DRAFT)) and path.partition("/")[0] in set(Document)
        ]

    def sizes(self, *, before: date) -> dict[str, int]:
        """Return the bytes of every file of days before this one, by path."""
        root = self._root.path.rstrip("/") + "/"
        found = self._root.fs.find(self._root.path, detail=True)
        sizes = {path.removeprefix(root): details["size"] for path, details in found.items()}
        return {path: size for path, size in sizes.items() if _day(path) < before}

    def remove(self, path: str) -> None:
        """Forget a batch's file. Doing it again does no harm."""
        (self._root / path).unlink(missing_ok=True)

    def _read_one(self, path: str, file_ids: list[int], schema: pl.Schema) -> pl.DataFrame:
        try:
            found = self._scan(path).filter(pl.col(FILE_ID).is_in(file_ids))
            return found.select(schema.names()).collect().cast(schema)
        except FileNotFoundError:
            reason = (
                f"{path} is not in the lake {self._root}; it has the rows of the files {sorted(file_ids)}"
            )
            raise ContentError(Code.LAKE_FILE_MISSING, reason) from None

    def _scan(self, path: str) -> pl.LazyFrame:
        """Open a batch's file with Polars: words point into their dictionary, where Arrow copies them."""
        place = self._root / path
        source = place.path if place.protocol in {"", "file"} else place.read_bytes()
        # feed and day in the path are for other readers
        return pl.scan_parquet(source, hive_partitioning=False, glob=False)


class LakeBatch:
    """A file being written. Memory holds a row group, whatever the batch's size."""

    def __init__(self, path: str, writer: Any) -> None:
        """Take a writer that somebody else closes."""
        self.path = path
        """Relative to the lake's root; what the ledger keeps and `Lake.read` takes."""
        self._writer = writer
        self._schema = writer.schema
        self._waiting: list[tuple[int, pl.DataFrame]] = []
        self._rows = 0

    def add(self, file_id: int, rows: pl.DataFrame) -> None:
        """Add one file's rows: the model's columns without `file_id`."""
        self._waiting.append((file_id, rows))
        self._rows += len(rows)
        if self._rows >= ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one row group."""
        if self._rows:
            self._writer.write_table(self._table(), row_group_size=self._rows)
        self._waiting, self._rows = [], 0

    def _table(self) -> pa.Table:
        """Put the files one below the other; a thousand small ones cost what one large one does."""
        frames = [rows for _, rows in self._waiting if len(rows)]
        ids = [
            pa.repeat(pa.scalar(waiting, pa.int64()), len(rows))
            for waiting, rows in self._waiting
            if len(rows)
        ]
        table = pl.concat(frames, rechunk=True).to_arrow(compat_level=pl.CompatLevel.newest())
        whole = table.add_column(0, FILE_ID, pa.chunked_array(ids, pa.int64()))
        return whole.select(self._schema.names).cast(self._schema)


def _day(path: str) -> date:
    """Return the day of a batch's path; of anything else a day that never was old."""
    named = _BATCH.fullmatch(path)
    return date.fromisoformat(named[1]) if named else date.max


def _is_ordered(frame: pl.DataFrame) -> bool:
    """Whether rows are in the order of their files and places already, which is cheaper to see than to do."""
    file, row = pl.col(FILE_ID).diff(), pl.col("row_number").diff()
    return bool(frame.select(((file > 0) | ((file == 0) & (row > 0))).all()).item())


def _writer(file: Any, schema: pa.Schema) -> Any:
    """Write texts from where Polars has them; a reader is told of the model's own types."""
    writer = pq.ParquetWriter(
        file,
        pa.schema([_viewed(field) for field in schema]),
        compression="zstd",
        write_statistics=[FILE_ID],  # what reading goes by; those of text cost a tenth of the writing
        store_decimal_as_integer=True,
        store_schema=False,
    )
    told = base64.b64encode(schema.serialize().to_pybytes())
    writer.add_key_value_metadata({VERSION_KEY: str(SCHEMA_VERSION).encode(), ARROW_SCHEMA: told})
    return writer


def _viewed(field: pa.Field) -> pa.Field:
    return field.with_type(pa.string_view()) if pa.types.is_string(field.type) else field


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
