"""`gogobe export`: writes prices, promotions, stores, products or price history to a file."""

from contextlib import closing

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from upath import UPath

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.options import FeedCommand, feed_option
from gogobe_dagster.commands.writing import writing
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.durable import LOCAL, open_root
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.bulk_io.table_export import FileFormat, Only, Subject, export


@click.command("export", cls=FeedCommand)
@click.argument(
    "subject", type=click.Choice([subject.value for subject in Subject]), default=Subject.PRICES.value
)
@feed_option
@click.option("--chain", "chains", multiple=True, help="Only this chain id; may be repeated.")
@click.option("--store", "stores", type=int, multiple=True, help="Only this store id; may be repeated.")
@click.option(
    "--city",
    "cities",
    multiple=True,
    help="Only stores in this city: its name in any spelling, or its code; may be repeated."
    " `gogobe places` shows what a spelling means.",
)
@click.option(
    "--output",
    help="Output file, ending in .csv or .parquet; may be s3://BUCKET/… with the extra `s3`."
    " Default: SUBJECT.parquet in the current folder.",
)
def export_command(  # noqa: PLR0917 - click passes them by name
    subject: str,
    feeds: tuple[Feed, ...],
    chains: tuple[str, ...],
    stores: tuple[int, ...],
    cities: tuple[str, ...],
    output: str | None,
) -> None:
    """Export prices, promotions, stores, products or history.

    Writes current prices (the default), promotions, stores, products or price history to a Parquet or CSV
    file. The file is a consistent snapshot and appears when it is complete; an existing file is replaced. The
    columns are described in docs/data.md.
    """
    what, path = Subject(subject), open_root(output or f"{subject}.{FileFormat.PARQUET}")
    format_ = _format_of(path)
    if what is Subject.PRODUCTS and (stores or cities):
        raise click.UsageError("products have no store or city; use --chain or --feed")
    only = Only(
        chain_ids=[*chains, *(chain_id for feed in feeds for chain_id in feed.chain_ids)],
        store_ids=stores,
        cities=cities,
    )
    if path.protocol in LOCAL and not path.parent.is_dir():
        raise click.UsageError(f"there is no folder {path.parent}")
    rows = _write(what, only, path, format_)
    click.echo(f"{path}: {rows:,} rows, {path.stat().st_size / 1e6:,.1f} MB")
    if not rows:
        click.echo("No rows match; `gogobe status` shows which feeds were imported.", err=True)


def _write(what: Subject, only: Only, path: UPath, format_: FileFormat) -> int:
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with (
        closing(open_warehouse(Settings.read())) as resources,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task(what, total=None)

        def advance(number: int) -> None:
            progress.advance(task, number)

        with writing(path):
            return export(resources.engine, what, only, path.absolute(), format_=format_, tell=advance)


def _format_of(path: UPath) -> FileFormat:
    try:
        return FileFormat(path.suffix.removeprefix("."))
    except ValueError:
        raise click.UsageError(f"--output {path}: the name must end in .parquet or .csv") from None
