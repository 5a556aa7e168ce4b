"""Reads the files that `gogobe read` names, one after another.

Apart from the command, because it imports Polars, which `gogobe --help` does not need.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from gogobe_dagster.commands.read_output import Output
from gogobe_dagster.errors import ContentError, UnknownFileName
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.names import FileName
from gogobe_dagster.library.published_files import files_in, served_bytes, within
from gogobe_dagster.parsing.batch_reader import read_files
from gogobe_dagster.parsing.file_reader import ParsedFile
from gogobe_dagster.parsing.promotions.pricing.legs import with_pricing
from gogobe_dagster.printable import printable
from gogobe_dagster.resources import Resources

STDIN = "-"
EMPTY_SUMMARY: dict[str, Any] = {
    "dialect": None,
    "reader": None,
    "encoding": None,
    "container": None,
    "rows": 0,
    "rejected": 0,
    "reasons": {},
    "duplicates": 0,
    "unknown": {},
    "damaged": False,
}


@dataclass(frozen=True, slots=True)
class FileResult:
    """A file and the result of reading it."""

    path: Path
    outcome: ParsedFile | ContentError

    @property
    def name(self) -> str:
        """The path as given, or below a folder as given."""
        return str(self.path)

    def summary(self) -> dict[str, Any]:
        """Return the counts and the code, named as in the ledger."""
        if isinstance(self.outcome, ContentError):
            summary = {"kind": self._kind(None), **EMPTY_SUMMARY, "code": self.outcome.code}
        else:
            report = self.outcome.report
            counts = {name: getattr(report, name) for name in EMPTY_SUMMARY}
            summary = {"kind": self._kind(self.outcome.document), **counts, "code": None}
        return {"file": self.name, **summary}

    def _kind(self, document: Document | None) -> str | None:
        """Return the kind from the file name, unless the content contradicts it; otherwise the document."""
        try:
            kind = FileName.parse(self.path.name).kind
        except UnknownFileName:
            return document
        return kind if document in {None, kind.document} else document


def find_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Return files as given, and those in folders, sorted. Raises `UsageError` for an empty folder."""
    for path in paths:
        inside = [path] if str(path) == STDIN else list(files_in(path))
        if not inside:
            raise click.UsageError(f"no files in {path}")
        yield from inside


def read_all(files: Sequence[Path], resources: Resources) -> Iterator[FileResult]:
    """Read the files in order, with a progress bar on the terminal if there are several."""
    served = ((path.name, _served(path, resources.download_limit)) for path in files)
    console = Console(stderr=True)
    outcomes = track(
        read_files(served, limit=resources.document_limit, use_fast_reader=resources.settings.fast_reader),
        "Reading",
        total=len(files),
        console=console,
        transient=True,
        disable=len(files) == 1 or not console.is_terminal,
    )
    yield from map(FileResult, files, outcomes)


def _served(path: Path, limit: int) -> bytes | ContentError:
    """Read a file or standard input, up to the limit for downloads."""
    if str(path) == STDIN:
        return within(sys.stdin.buffer.read(limit + 1), limit)
    return served_bytes(path, limit)


def write_result(file: FileResult, target: Output, only: Document | None, *, summary: bool) -> None:
    """Write the rows of a file, or why it could not be read; with `summary`, its counts as JSON."""
    if summary:
        click.echo(json.dumps(file.summary(), ensure_ascii=False))
    if isinstance(file.outcome, ContentError):
        if not summary:
            click.echo(f"{printable(file.name)}: {file.outcome.code}: {file.outcome.reason}", err=True)
    elif only is None or file.outcome.document is only:
        target.add(file.name, _priced(file.outcome))


def _priced(file: ParsedFile) -> ParsedFile:
    """Add what promotions cost."""
    if file.document is not Document.PROMOTIONS:
        return file
    return replace(file, rows=with_pricing(file.rows))
