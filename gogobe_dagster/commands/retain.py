"""`gogobe retain`: remove what is older than the settings keep it."""

from contextlib import closing

import click
from rich.console import Console
from rich.table import Table

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.maintenance.retention import Keep, Retained, retain

WORDS = {
    "raw": "raw files",
    "lake": "files of the lake",
    "periods": "ended periods of price history",
    "months": "whole months of price history",
    "promotion_periods": "ended periods of promotions in stores",
    "promotions": "promotions that no store has a period of",
    "rejects": "samples of refused rows",
    "events": "events of files",
}


@click.command("retain")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
def retain_command(dry_run: bool) -> None:
    """Remove raw files, parsed rows, history, rejects and events that are older than they are kept.

    GOGOBE_KEEP_RAW_DAYS and its sisters say for how long; docs/settings.md lists them. Nothing goes that
    an import still needs. Harmless when repeated or interrupted.
    """
    settings = Settings.read()
    with closing(open_warehouse(settings)) as resources:
        done = retain(
            resources.engine,
            resources.raw_store,
            resources.lake,
            Keep.of(settings),
            now=resources.clock(),
            dry_run=dry_run,
        )
    Console().print(_table(done, "would go" if dry_run else "gone"))


def _table(done: Retained, heading: str) -> Table:
    table = Table("what", box=None, pad_edge=False)
    table.add_column(heading, justify="right")
    table.add_column("MB", justify="right")
    for kind, removed in done.removed.items():
        table.add_row(WORDS[kind], f"{removed.count:,}", f"{removed.bytes / 1e6:,.1f}")
    return table
