"""Writes what changed of a dataset, file by file.

All files of one call show the same moment of the warehouse. Each appears when it is complete; the manifest
follows when all are there, and then what it no longer names is removed. A call that is killed leaves whole
files, and the next one goes on.
"""

import hashlib
import io
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from upath import UPath

from gogobe_dagster.clock import day_of
from gogobe_dagster.dataset.changes import Part, parts_of
from gogobe_dagster.dataset.description import describe
from gogobe_dagster.dataset.foreign_files import check_documents
from gogobe_dagster.dataset.manifest import NAME, Entry, Manifest
from gogobe_dagster.dataset.tables import DAY, FILE, PRICES, TABLES, DatasetTable
from gogobe_dagster.files.durable import DRAFT, draft, open_root, put
from gogobe_dagster.warehouse.bulk_io.pg_copy import driver_cursor
from gogobe_dagster.warehouse.bulk_io.table_export import FileFormat, schema_of, write_query
from gogobe_dagster.warehouse.locks import AdvisoryLock, lock

DEFAULT_DAYS = 30
_DAYS = f"{PRICES.name}/{DAY}="


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a call did."""

    written: int
    kept: int
    removed: int
    rows: int
    """In all files of the dataset."""
    bytes: int


def publish_dataset(
    engine: sa.Engine,
    folder: str | UPath,
    *,
    now: datetime,
    days: int = DEFAULT_DAYS,
    tell: Callable[[str], object] = lambda _: None,
) -> Published:
    """Bring a dataset up to date. Idempotent.

    `days` are those whose prices are looked at, counted back from yesterday; files of earlier days stay. The
    folder may be in object storage. A second call for the same folder waits for the first. Raises
    `ForeignFile` if it has a document of others with the name of one of ours.
    """
    root = open_root(folder).absolute()  # what a folder has is listed with absolute paths
    check_documents(root)
    with engine.begin() as holder:  # a connection of its own: what the other shows begins after the wait
        lock(holder, AdvisoryLock.DATASET, key=str(root))
        return _publish(engine, root, now=now, days=days, tell=tell)


def _publish(
    engine: sa.Engine, root: UPath, *, now: datetime, days: int, tell: Callable[[str], object]
) -> Published:
    known = Manifest.read(root)
    made = Manifest(made_at=now)
    with (
        engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
        driver_cursor(connection) as cursor,
    ):
        cursor.execute("set local timezone to 'UTC'")
        schemas = {table: schema_of(cursor, _query(table, _NOTHING)) for table in TABLES}
        parts = [part for table in TABLES for part in parts_of(cursor, table, today=day_of(now), days=days)]
        for part in parts:
            made.files[part.path] = _current(root, part, known) or _write(cursor, root, part, tell)
    written = sum(made.files[part.path] is not known.files.get(part.path) for part in parts)
    _keep_earlier_days(known, made)
    documents = {**describe(made, schemas), NAME: made.model_dump_json(indent=1)}
    for name, text in documents.items():
        put(root / name, text.encode())
    removed = _remove_others(root, made)
    files = made.files.values()
    return Published(
        written=written,
        kept=len(files) - written,
        removed=removed,
        rows=sum(entry.rows for entry in files),
        bytes=sum(entry.bytes for entry in files),
    )


_NOTHING = {"chain_id": "", "start": None, "end": None}


def _query(table: DatasetTable, values: Mapping[str, Any]) -> sql.Composed:
    literals = {name: sql.Literal(value) for name, value in values.items()}
    return sql.SQL(table.query).format(**literals)


def _current(root: UPath, part: Part, known: Manifest) -> Entry | None:
    """Return the entry of a file that need not be written; None if it must."""
    entry = known.files.get(part.path)
    if entry is None or entry.made_from != part.made_from:
        return None
    path = root / part.path
    return entry if path.exists() and path.stat().st_size == entry.bytes else None


def _write(cursor: psycopg.Cursor[Any], root: UPath, part: Part, tell: Callable[[str], object]) -> Entry:
    tell(part.path)
    final = root / part.path
    values = {"chain_id": part.chain_id, "start": part.start, "end": part.end}
    with draft(final.with_name(f".{uuid.uuid4().hex}{DRAFT}")) as written:
        hashed = _Hashed(written.file)
        query = _query(part.table, values)
        rows = write_query(cursor, query, hashed, format_=FileFormat.PARQUET, tell=lambda _: None)
        written.publish(final)
    return Entry(
        table=part.table.name,
        rows=rows,
        bytes=hashed.size,
        sha256=hashed.sha256.hexdigest(),
        made_from=part.made_from,
    )


class _Hashed(io.RawIOBase):
    """Hashes what is written, in the order in which it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.size, self.sha256 = file, 0, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._file.write(view)
        self.sha256.update(view)
        self.size += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self.size


def _keep_earlier_days(known: Manifest, made: Manifest) -> None:
    """Keep files of days that are no longer looked at: their prices may have left the warehouse."""
    oldest = min((path for path in made.files if path.startswith(_DAYS)), default=None)
    for path, entry in known.files.items():
        if path.startswith(_DAYS) and (oldest is None or path < oldest):
            made.files[path] = entry


def _remove_others(root: UPath, made: Manifest) -> int:
    """Remove files of this dataset's tables that the manifest does not name; return how many.

    Files with other names than ours stay.
    """
    kept = {(root / path).path for path in made.files}
    found = [path for table in TABLES for path in root.fs.find((root / table.name).path)]
    others = [path for path in found if path not in kept and path.endswith((f"/{FILE}", DRAFT))]
    for path in others:
        root.fs.rm_file(path)
    return len(others)
