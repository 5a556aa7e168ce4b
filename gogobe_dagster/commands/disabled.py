"""Disabled feeds, of which the commands about all feeds say that there are some."""

import click
from rich.table import Table

from gogobe_dagster.commands.tables import add_row, open_console, plain_table
from gogobe_dagster.feeds.registry import DISABLED


def print_disabled(*, with_reasons: bool) -> None:
    """Print the disabled feeds with the reasons, or how many there are and how to see them."""
    if with_reasons:
        open_console().print(_disabled_table())
    else:
        click.echo(f"{len(DISABLED)} more feeds are disabled: `gogobe status --disabled` shows why.")


def _disabled_table() -> Table:
    table = plain_table("\nDisabled feeds")
    table.add_column("feed", no_wrap=True)
    table.add_column("chain")
    table.add_column("reason")
    for feed in DISABLED:
        add_row(table, feed.key, feed.name, feed.reason)
    return table
