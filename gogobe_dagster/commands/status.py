"""`gogobe status`: the fleet, feeds by states, in one query."""

import json
from dataclasses import asdict
from datetime import date

import click
from rich.console import Console
from rich.table import Table

from gogobe_dagster.commands.choices import Day, chosen, feed_option
from gogobe_dagster.feeds import Feed


@click.command()
@feed_option
@click.option(
    "--day", "days", type=Day(), multiple=True, help="Only files published on this day; may be repeated."
)
@click.option("--files", "with_files", is_flag=True, help="List the files too; needs --feed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a feed, a line each.")
def status(feeds: tuple[Feed, ...], days: tuple[date, ...], with_files: bool, as_json: bool) -> None:
    """Show where every file of every feed stands.

    found: listed by the portal. loaded: its rows are in the tables. waiting: promotions, which are kept
    until their tables exist. quarantined: could not be imported; the code says why (--files shows each).
    """
