"""`gogobe status`: shows the files of each feed by state."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.disabled import print_disabled
from gogobe_dagster.commands.options import Day, FeedCommand, feed_option, selected_feeds
from gogobe_dagster.commands.tables import Column, add_row, failure, fitted_table, open_console, plain_table
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import FeedHealth, LedgerFile

FILE_FIELDS = (
    *("feed", "name", "publication_day", "kind", "chain_id", "sub_chain_id", "store_id", "published_at"),
    *("state", "code", "reason", "attempts", "retry_at", "size", "rows", "rejected", "duplicates"),
)
COUNTS = ("listed", "pending", "loaded", "quaran-\ntined", "rows")


@click.command(cls=FeedCommand)
@feed_option
@click.option(
    "--day", "days", type=Day(), multiple=True, help="Only files published on this day; may be repeated."
)
@click.option("--files", "with_files", is_flag=True, help="Show every file; requires --feed and --day.")
@click.option("--disabled", "with_disabled", is_flag=True, help="Show why feeds are disabled.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per line: a feed, or a file.")
def status(
    feeds: tuple[Feed, ...],
    days: tuple[date, ...],
    with_files: bool,
    with_disabled: bool,
    as_json: bool,
) -> None:
    """Show the files of each feed by state.

    listed: listed by the portal. pending: still to be downloaded, parsed or loaded. loaded: in the tables.
    quarantined: cannot be imported; --files shows the code and the reason. --files shows archived files too.
    """
    if with_files and not (feeds and days):
        raise click.UsageError("--files requires --feed and --day, such as --feed rami_levy --day today")
    settings = Settings.read()
    resources = open_warehouse(settings)
    if with_files:
        _print_files([file for feed in feeds for file in _files(resources, feed.key, days)], as_json)
        return
    keys = [feed.key for feed in selected_feeds(feeds)]
    _print_feeds([row for row in resources.ledger.feed_health(days or None) if row.feed in keys], as_json)
    if not feeds and not as_json:
        print_disabled(with_reasons=with_disabled)


def _files(resources: Resources, feed: str, days: Sequence[date]) -> list[LedgerFile]:
    """Return the files of these days, archived ones first: they are the older ones."""
    return [*resources.ledger.archived_of_days(feed, days), *resources.ledger.of_days(feed, days)]


def _print_files(files: Sequence[LedgerFile], as_json: bool) -> None:
    if as_json:
        for file in files:
            click.echo(_json({name: getattr(file, name) for name in FILE_FIELDS}))
    elif files:
        console = open_console()
        console.print(_file_table(console, files))
    else:
        click.echo("There are no files of these feeds and days in the ledger.")


def _print_feeds(rows: Sequence[FeedHealth], as_json: bool) -> None:
    if as_json:
        for row in rows:
            click.echo(_json(asdict(row)))
    elif rows:
        open_console().print(_feed_table(rows))
    else:
        click.echo("There are no files in the ledger. `gogobe import --feed rami_levy` imports one feed.")


def _json(values: Mapping[str, object]) -> str:
    return json.dumps(values, default=str, ensure_ascii=False)


def _feed_table(rows: Sequence[FeedHealth]) -> Table:
    table = plain_table("Files by state")
    table.add_column("feed", no_wrap=True)
    for name in COUNTS:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("newest\nfull", no_wrap=True)
    table.add_column("last\nlisting", no_wrap=True)
    for row in rows:
        numbers = (
            row.listed,
            row.listed - row.settled,
            row.loaded,
            row.quarantined,
            row.rows,
        )
        listing = failure(row.listing_code) if row.listing_code else _time(row.listed_at)
        add_row(table, row.feed, *[f"{number:,}" for number in numbers], _time(row.newest_full_at), listing)
    return table


def _time(time: datetime | None) -> str:
    return f"{time.astimezone(ISRAEL):%m-%d %H:%M}" if time else "never"


FILE_COLUMNS = (
    Column("file"),
    Column("state"),
    Column("code"),
    Column("rows", "right", is_optional=True),
    Column("rejected", "right", is_optional=True),
    Column("reason", wraps=True),
)


def _file_table(console: Console, files: Iterable[LedgerFile]) -> Table:
    rows = [
        (
            file.name,
            str(file.state),
            Text(file.code or "", "red"),
            _number(file.rows),
            _number(file.rejected),
            file.reason or "",
        )
        for file in files
    ]
    return fitted_table(console, "Files", FILE_COLUMNS, rows)


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"
