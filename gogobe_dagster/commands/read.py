"""`gogobe read`: reads published files to a table, CSV, JSON lines or Parquet, without a database."""

import json
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import track

from gogobe_dagster.errors import Code, ContentError, UnknownFileName
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.names import FileName
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings

if TYPE_CHECKING:
    from gogobe_dagster.commands.read_output import Output
    from gogobe_dagster.parsing.file_reader import ParsedFile

STDIN = "-"
FORMATS = ("table", "csv", "jsonl", "parquet")
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


@click.command()
@click.argument(
    "paths",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, readable=True, allow_dash=True, path_type=Path),
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="Default: the ending of --output, or table."
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Output file, instead of the terminal."
)
@click.option("--only", type=click.Choice([*map(str, Document)]), help="Skip files of other document types.")
@click.option(
    "--rows",
    default=20,
    type=click.IntRange(min=1),
    help="Rows shown in a table; other formats have all rows.",
)
@click.option("--summary", is_flag=True, help="Print one JSON object per file, with counts of its rows.")
def read(
    paths: tuple[Path, ...],
    *,
    form: str | None,
    output: Path | None,
    only: str | None,
    rows: int,
    summary: bool,
) -> None:
    """Read published files and show their rows.

    Reads files of any dialect, container and encoding. FILE is a file as served or unpacked, a folder, or
    - for standard input. Times are in Israel's time zone. In tables and CSV, a row with a list becomes
    one row per element.

    Exit code 1 if a file could not be read: it is reported with its code, and the others are still read.
    Rejected rows are counted in --summary and do not change the exit code.
    """
    from gogobe_dagster.commands.read_output import open_output

    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # ends quietly in `gogobe read … | head`
    form = form or (output.suffix.lstrip(".") if output else "table")
    _check(form, output, summary=summary)
    shows_rows = output is not None or not summary
    failed = False
    with open_output(form if shows_rows else "none", output, max_rows=rows) as target:
        for file in _progress(list(_files(paths)), _limits()):
            failed = failed or isinstance(file.outcome, ContentError)
            _write(file, target, Document(only) if only else None, summary=summary)
    if failed:
        sys.exit(1)


def _check(form: str, output: Path | None, *, summary: bool) -> None:
    if form not in FORMATS:
        raise click.UsageError(
            f"--output ends in {form!r}; use --format {', '.join(FORMATS[:-1])} or parquet"
        )
    if form == "parquet" and output is None and not summary:
        raise click.UsageError("Parquet needs an output file: --output prices.parquet")


@dataclass(frozen=True, slots=True)
class _Limits:
    download: int
    document: int
    use_fast_reader: bool


def _limits() -> _Limits:
    resources = Resources(Settings.read())
    return _Limits(resources.download_limit, resources.document_limit, resources.settings.fast_reader)


@dataclass(frozen=True, slots=True)
class FileResult:
    """A file and the result of reading it."""

    path: Path
    outcome: "ParsedFile | ContentError"

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


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
        if not inside:
            raise click.UsageError(f"no files in {path}")
        yield from inside


def _progress(files: Sequence[Path], limits: _Limits) -> Iterator[FileResult]:
    """Read the files in order, with a progress bar on the terminal if there are several."""
    from gogobe_dagster.parsing.batch_reader import read_files

    served = ((path.name, _served(path, limits.download)) for path in files)
    console = Console(stderr=True)
    outcomes = track(
        read_files(served, limit=limits.document, use_fast_reader=limits.use_fast_reader),
        "Reading",
        total=len(files),
        console=console,
        transient=True,
        disable=len(files) == 1 or not console.is_terminal,
    )
    yield from map(FileResult, files, outcomes)


def _served(path: Path, limit: int) -> bytes | ContentError:
    """Read a file, up to the limit for downloads."""
    try:
        if str(path) == STDIN:
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with path.open("rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        return ContentError(Code.RAW_FILE_MISSING, str(error))
    return ContentError(Code.TOO_LARGE, f"larger than {limit:,} bytes") if len(data) > limit else data


def _write(file: FileResult, target: "Output", only: Document | None, *, summary: bool) -> None:
    if summary:
        click.echo(json.dumps(file.summary(), ensure_ascii=False))
    if isinstance(file.outcome, ContentError):
        if not summary:
            click.echo(f"{file.name}: {file.outcome.code}: {file.outcome.reason}", err=True)
    elif only is None or file.outcome.document is only:
        target.add(file.name, _priced(file.outcome))


def _priced(file: "ParsedFile") -> "ParsedFile":
    """Add what promotions cost."""
    if file.document is not Document.PROMOTIONS:
        return file
    from gogobe_dagster.parsing.promotions.pricing.legs import with_pricing

    return replace(file, rows=with_pricing(file.rows))
