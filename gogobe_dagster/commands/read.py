"""`gogobe read`: any published file as a table, CSV, JSON lines or Parquet, without a database."""

import json
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
NOTHING_READ: dict[str, Any] = {
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
    "places",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, readable=True, allow_dash=True, path_type=Path),
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="By default what --output ends in, or table."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to; not the terminal.")
@click.option("--only", type=click.Choice([*map(str, Document)]), help="Pass over files of other documents.")
@click.option(
    "--rows",
    default=20,
    type=click.IntRange(min=1),
    help="Rows that a table shows; the other formats have all.",
)
@click.option("--summary", is_flag=True, help="One JSON object a file: what became of its rows.")
def read(
    places: tuple[Path, ...],
    *,
    form: str | None,
    output: Path | None,
    only: str | None,
    rows: int,
    summary: bool,
) -> None:
    """Read published files, whatever their dialect, container or encoding, and show their rows.

    FILE is a file as served or unpacked, a folder, or - for the standard input. Times are those of
    Israel; lists inside a row are spread over rows in a table and in CSV.

    Exit status 1 if a file could not be read at all: it is named with its code and the others go on.
    Rows that could not be read are counted in --summary and are no failure.
    """
    from gogobe_dagster.commands.read_output import open_output

    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `gogobe read … | head` ends like any other program
    form = form or (output.suffix.lstrip(".") if output else "table")
    _check(form, output, summary=summary)
    rows_wanted = output is not None or not summary
    failed = False
    with open_output(form if rows_wanted else "none", output, most_rows=rows) as target:
        for one in _progress(list(_files(places)), _limits()):
            failed = failed or isinstance(one.outcome, ContentError)
            _tell(one, target, Document(only) if only else None, summary=summary)
    if failed:
        sys.exit(1)


def _check(form: str, output: Path | None, *, summary: bool) -> None:
    if form not in FORMATS:
        raise click.UsageError(
            f"--output ends in {form!r}; say --format {', '.join(FORMATS[:-1])} or parquet"
        )
    if form == "parquet" and output is None and not summary:
        raise click.UsageError("Parquet wants a file: --output prices.parquet")


@dataclass(frozen=True, slots=True)
class _Limits:
    download: int
    document: int


def _limits() -> _Limits:
    resources = Resources(Settings.read())
    return _Limits(resources.download_limit, resources.document_limit)


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file and what became of it."""

    place: Path
    outcome: "ParsedFile | ContentError"

    @property
    def name(self) -> str:
        """As given, or as found in a folder that was given."""
        return str(self.place)

    def summary(self) -> dict[str, Any]:
        """Say what became of it, in the words of the ledger."""
        if isinstance(self.outcome, ContentError):
            told = {"kind": self._kind(None), **NOTHING_READ, "code": self.outcome.code}
        else:
            report = self.outcome.report
            told = {name: getattr(report, name) for name in NOTHING_READ}
            told = {"kind": self._kind(self.outcome.document), **told, "code": None}
        return {"file": self.name, **told}

    def _kind(self, document: Document | None) -> str | None:
        """Say the kind as the name does, if the content does not contradict it; else the document."""
        try:
            kind = FileName.parse(self.place.name).kind
        except UnknownFileName:
            return document
        return kind if document in {None, kind.document} else document


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if not place.is_dir():
            yield place
            continue
        found = sorted(path for path in place.rglob("*") if path.is_file() and not path.name.startswith("."))
        if not found:
            raise click.UsageError(f"no files in {place}")
        yield from found


def _progress(files: Sequence[Path], limits: _Limits) -> Iterator[ReadFile]:
    """Read the files in their order; a bar on the terminal when there are many."""
    from gogobe_dagster.parsing.batch_reader import read_files

    served = ((path.name, _served(path, limits.download)) for path in files)
    console = Console(stderr=True)
    outcomes = track(
        read_files(served, limit=limits.document),
        "Reading",
        total=len(files),
        console=console,
        transient=True,
        disable=len(files) == 1 or not console.is_terminal,
    )
    yield from map(ReadFile, files, outcomes)


def _served(path: Path, limit: int) -> bytes | ContentError:
    """Read no more than may be downloaded."""
    try:
        if str(path) == STDIN:
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with path.open("rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        return ContentError(Code.RAW_FILE_MISSING, str(error))
    return ContentError(Code.TOO_LARGE, f"larger than {limit:,} bytes") if len(data) > limit else data


def _tell(one: ReadFile, target: "Output", only: Document | None, *, summary: bool) -> None:
    if summary:
        click.echo(json.dumps(one.summary(), ensure_ascii=False))
    if isinstance(one.outcome, ContentError):
        if not summary:
            click.echo(f"{one.name}: {one.outcome.code}: {one.outcome.reason}", err=True)
    elif only is None or one.outcome.document is only:
        target.add(one.name, one.outcome)
