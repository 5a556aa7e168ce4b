"""`gogobe retain`: deletes data that is past its retention."""

from contextlib import closing

import click
from rich.table import Table

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.tables import open_console
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.maintenance.retention import Keep, Retained, retain

LABELS = {
    "raw": "raw files",
    "lake": "lake files",
    "periods": "ended periods of price history",
    "months": "months of price history",
    "promotion_periods": "ended periods of promotions",
    "promotions": "promotions without periods",
    "rejects": "samples of rejected rows",
    "events": "file events",
    "file_details": "details of loaded files",
}


@click.command("retain")
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
def retain_command(dry_run: bool) -> None:
    """Delete data that is past its retention.

    Deletes raw files, lake files, history, rejects, events and details of old files in the ledger. The
    settings are named GOGOBE_KEEP_..._DAYS, such as GOGOBE_KEEP_RAW_DAYS; docs/settings.md lists them.
    Data that an import still needs is kept. May be repeated and interrupted.
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
    open_console().print(_table(done, "would be deleted" if dry_run else "deleted"))


def _table(done: Retained, heading: str) -> Table:
    table = Table("data", box=None, pad_edge=False)
    table.add_column(heading, justify="right")
    table.add_column("MB", justify="right")
    for kind, removed in done.removed.items():
        table.add_row(LABELS[kind], f"{removed.count:,}", f"{removed.bytes / 1e6:,.1f}")
    return table
