"""`gogobe read`: reads published files to a table, CSV, JSON lines or Parquet, without a database."""

import signal
import sys
from pathlib import Path

import click

from gogobe_dagster.commands.options import WholeNumber
from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.resources import Resources  # before Polars: it limits Polars' threads
from gogobe_dagster.settings import Settings

FORMATS = ("table", "csv", "jsonl", "parquet")


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
    type=WholeNumber(min=1),
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
    from gogobe_dagster.commands.read_files import find_files, read_all, write_result
    from gogobe_dagster.commands.read_output import open_output

    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # ends quietly in `gogobe read … | head`
    form = form or (output.suffix.lstrip(".") if output else "table")
    _check(form, output, summary=summary)
    shows_rows = output is not None or not summary
    found = list(find_files(paths))
    failed = 0
    with open_output(form if shows_rows else "none", output, max_rows=rows) as target:
        for file in read_all(found, Resources(Settings.read())):
            failed += isinstance(file.outcome, ContentError)
            write_result(file, target, Document(only) if only else None, summary=summary)
    if output:
        click.echo(f"{output}: {len(found) - failed} of {len(found)} files read", err=True)
    if failed:
        sys.exit(1)


def _check(form: str, output: Path | None, *, summary: bool) -> None:
    if form not in FORMATS:
        raise click.UsageError(
            f"--output ends in {form!r}; use --format {', '.join(FORMATS[:-1])} or parquet"
        )
    if form == "parquet" and output is None and not summary:
        raise click.UsageError("Parquet needs an output file: --output prices.parquet")
