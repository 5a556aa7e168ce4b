"""`gogobe status`: shows the files of each feed by state."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date, datetime

import click
from rich.console import Console
from rich.table import Table

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.disabled import disabled_table
from gogobe_dagster.commands.import_progress import found, settled
from gogobe_dagster.commands.options import Day, FeedCommand, feed_option, selected_feeds
from gogobe_dagster.commands.tables import add_row, failure, plain_table
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import FeedHealth

COUNTS = ("listed", "pending", "loaded", "quaran-\ntined", "rows")


@click.command(cls=FeedCommand)
@feed_option
@click.option(
    "--day", "days", type=Day(), multiple=True, help="Only files published on this day; may be repeated."
)
@click.option("--files", "with_files", is_flag=True, help="Show every file; requires --feed and --day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per feed and line.")
def status(feeds: tuple[Feed, ...], days: tuple[date, ...], with_files: bool, as_json: bool) -> None:
    """Show the files of each feed by state.

    listed: listed by the portal. pending: still to be downloaded, parsed or loaded. loaded: in the tables.
    quarantined: cannot be imported; --files shows the code and the reason. Disabled feeds follow, with
    the reason.
    """
    if with_files and not (feeds and days):
        raise click.UsageError("--files requires --feed and --day, such as --feed rami_levy --day today")
    settings = Settings.read()
    resources = open_warehouse(settings)
    keys = [feed.key for feed in selected_feeds(feeds)]
    rows = [row for row in resources.ledger.feed_health(days or None) if row.feed in keys]
    if as_json:
        for row in rows:
            click.echo(json.dumps(asdict(row), default=str))
    elif not rows:
        click.echo("There are no files in the ledger. `gogobe import --feed rami_levy` imports one feed.")
    elif with_files:
        Console().print(_file_table(resources, feeds, days))
    else:
        Console().print(_feed_table(rows))
    if not feeds and not as_json:
        Console().print(disabled_table())


def _feed_table(rows: Sequence[FeedHealth]) -> Table:
    table = plain_table("Files by state")
    table.add_column("feed", no_wrap=True)
    for name in COUNTS:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("newest\nfull", no_wrap=True)
    table.add_column("last\nlisting", no_wrap=True)
    for row in rows:
        numbers = (
            found(row),
            found(row) - settled(row),
            row.loaded,
            row.quarantined,
            row.rows,
        )
        listing = failure(row.listing_code) if row.listing_code else _time(row.listed_at)
        add_row(table, row.feed, *[f"{number:,}" for number in numbers], _time(row.newest_full_at), listing)
    return table


def _time(time: datetime | None) -> str:
    return f"{time.astimezone(ISRAEL):%m-%d %H:%M}" if time else "never"


def _file_table(resources: Resources, feeds: Sequence[Feed], days: Collection[date]) -> Table:
    table = Table("file", "state", "code", "rows", "rejected", "reason")
    for feed in feeds:
        for file in resources.ledger.of_days(feed.key, days):
            numbers = ["" if number is None else f"{number:,}" for number in (file.rows, file.rejected)]
            add_row(table, file.name, file.state, file.code or "", *numbers, file.reason or "")
    return table
