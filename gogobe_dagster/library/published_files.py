"""Reads files as chains publish them: any dialect, container and encoding, without a database."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.library.rows import complete_rows
from gogobe_dagster.library.table import Table
from gogobe_dagster.parsing.batch_reader import Outcome, read_files
from gogobe_dagster.settings import Settings
from gogobe_dagster.sizes import MEGABYTE

FilePath = str | os.PathLike[str]
_REPORT = pl.Schema(
    {
        "file": pl.String,
        "document": pl.String,
        "rows": pl.Int64,
        "rejected": pl.Int64,
        "is_damaged": pl.Boolean,
        "code": pl.String,
        "reason": pl.String,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What the files contain, by document. A table without rows has columns only if a file had none."""

    prices: Table
    promotions: Table
    stores: Table
    files: Table
    """A row for each file: rows, rejected rows, and the code and reason of one that could not be read."""


def read(files: FilePath | Iterable[FilePath]) -> Tables:
    """Read published files, or all files in folders, as served or unpacked.

    The content decides what a file is, not its name. A file that cannot be read is a row with a code in
    `files`; the others are read all the same. All rows are in memory. The settings GOGOBE_MAX_DOWNLOAD_MB and
    GOGOBE_MAX_DOCUMENT_MB limit single files. Raises `FileNotFoundError` for a path that does not exist.
    """
    paths = [Path(files)] if isinstance(files, str | os.PathLike) else list(map(Path, files))
    found = [file for path in paths for file in files_in(path)]
    settings = Settings.read()
    outcomes = read_files(
        ((path.name, served_bytes(path, settings.max_download_mb * MEGABYTE)) for path in found),
        limit=settings.max_document_mb * MEGABYTE,
        use_fast_reader=settings.fast_reader,
    )
    return _tables(zip(map(str, found), outcomes, strict=True))


def files_in(path: Path) -> Iterator[Path]:
    """Return a file itself, or the files in a folder and below, sorted, without hidden ones."""
    if not path.exists():
        raise FileNotFoundError(path)
    if not path.is_dir():
        yield path
        return
    yield from sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))


def served_bytes(path: Path, limit: int) -> bytes | ContentError:
    """Return the bytes of a file, or why there are none: it is unreadable, or larger than `limit`."""
    try:
        with path.open("rb") as file:
            return within(file.read(limit + 1), limit)
    except OSError as error:
        return ContentError(Code.RAW_FILE_MISSING, str(error))


def within(data: bytes, limit: int) -> bytes | ContentError:
    """Return the bytes if there are no more than `limit` of them."""
    return ContentError(Code.TOO_LARGE, f"larger than {limit:,} bytes") if len(data) > limit else data


def _tables(outcomes: Iterable[tuple[str, Outcome]]) -> Tables:
    frames: Mapping[Document, list[pl.DataFrame]] = {document: [] for document in Document}
    reports = []
    for name, outcome in outcomes:
        reports.append(_report(name, outcome))
        if not isinstance(outcome, ContentError):
            frames[outcome.document].append(complete_rows(name, outcome))
    tables = {document.value: Table(_joined(parts)) for document, parts in frames.items()}
    return Tables(**tables, files=Table(pl.DataFrame(reports, schema=_REPORT)))


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames) if frames else pl.DataFrame()


def _report(name: str, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, ContentError):
        return {"file": name, "rows": 0, "rejected": 0, "code": outcome.code.value, "reason": outcome.reason}
    report = outcome.report
    counts = {"rows": report.rows, "rejected": report.rejected, "is_damaged": report.damaged}
    return {"file": name, "document": outcome.document.value, **counts}
