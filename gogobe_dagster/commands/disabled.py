"""The feeds that are disabled, for people who look at all feeds: a chain never vanishes without a word."""

from rich.table import Table

from gogobe_dagster.feeds.registry import DISABLED


def disabled_table() -> Table:
    """Show every disabled feed with the reason."""
    table = Table(title="\nDisabled", title_justify="left", box=None, pad_edge=False)
    table.add_column("feed", no_wrap=True)
    table.add_column("chain")
    table.add_column("why it is not imported")
    for feed in DISABLED:
        table.add_row(feed.key, feed.name, feed.reason)
    return table
