"""`gogobe publish`: writes the warehouse as a dataset of Parquet files."""

from contextlib import closing

import click

from gogobe_dagster import clock
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.options import WholeNumber
from gogobe_dagster.commands.progress import telling
from gogobe_dagster.commands.writing import writing
from gogobe_dagster.settings import Settings


@click.command("publish")
@click.argument("folder", required=False)
@click.option(
    "--days",
    default=30,
    show_default=True,
    type=WholeNumber(1, 3660),
    help="Days whose prices are brought up to date, back from yesterday.",
)
def publish_command(folder: str | None, days: int) -> None:
    """Publish a dataset of Parquet files to FOLDER.

    Writes prices by day and chain, current prices, price periods, promotions, stores, products and daily
    statistics, with a manifest, a datapackage.json and a README. FOLDER is GOGOBE_DATASET_FOLDER unless
    given, and may be s3://BUCKET/… with the extra `s3`. Only what changed since the last time is written
    again. Imports may go on.
    """
    from gogobe_dagster.dataset.publishing import publish_dataset

    settings = Settings.read()
    root = folder or settings.dataset_folder
    if not root:
        raise click.UsageError("name a folder, `gogobe publish FOLDER`, or set GOGOBE_DATASET_FOLDER")
    with closing(open_warehouse(settings)) as resources, telling("publish") as tell, writing(root):
        made = publish_dataset(resources.engine, root, now=clock.now(), days=days, tell=tell)
    files = f"{made.written:,} files written, {made.kept:,} kept, {made.removed:,} removed"
    click.echo(f"{root}: {made.rows:,} rows, {made.bytes / 1e6:,.1f} MB; {files}")
