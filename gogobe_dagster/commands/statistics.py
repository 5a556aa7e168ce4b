"""`gogobe statistics`: finds daily statistics and the price index, as the nightly maintenance does."""

from contextlib import closing

import click

from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.statistics.update import update_statistics


@click.command("statistics")
def statistics_command() -> None:
    """Bring daily statistics and the price index up to date.

    The views product_daily, chain_price_index and chain_only_products show them. It calculates
    only the days of files loaded since the last time, and today as it is now. The nightly maintenance does
    the same. May be repeated and interrupted.
    """
    with closing(open_warehouse(Settings.read())) as resources:
        done = update_statistics(resources.engine, now=resources.clock())
    click.echo(f"{done.days:,} days of {done.chains:,} chains are up to date")
