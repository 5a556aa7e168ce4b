"""The table of disabled feeds, shown by commands that are about all feeds."""

from rich.table import Table

from gogobe_dagster.commands.tables import add_row, plain_table
from gogobe_dagster.feeds.registry import DISABLED


def disabled_table() -> Table:
    """List the disabled feeds with the reasons."""
    table = plain_table("\nDisabled feeds")
    table.add_column("feed", no_wrap=True)
    table.add_column("chain")
    table.add_column("reason")
    for feed in DISABLED:
        add_row(table, feed.key, feed.name, feed.reason)
    return table
