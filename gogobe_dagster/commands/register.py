"""`gogobe register`: compares the official register of gov.il with ours."""

from collections.abc import Sequence

import click
from rich.table import Table

from gogobe_dagster.commands.disabled import print_disabled
from gogobe_dagster.commands.tables import add_row, open_console, plain_table
from gogobe_dagster.feeds.register_drift import Drift, drift
from gogobe_dagster.feeds.registry import DISABLED, FEEDS
from gogobe_dagster.settings import Settings


@click.command()
def register() -> None:
    """Compare the register on gov.il with ours.

    Lists chains that are new, closed or changed. Sends one request to gov.il and changes nothing; Dagster
    does the same every Monday. gov.il requires the client id that its own pages send: set
    GOGOBE_GOV_IL_CLIENT_ID. Exit code 0 if there are no differences; 1 if there are, or if gov.il could
    not be read.
    """
    from gogobe_dagster.errors import GogobeError, PortalError
    from gogobe_dagster.portals.gov_register import read_official_register

    try:
        page = read_official_register(Settings.read())
    except PortalError as error:
        raise GogobeError(f"the official register: {error.code}: {error.reason}") from None
    differences = drift(page.rows, FEEDS, DISABLED)
    click.echo(f"{len(page.rows)} companies on gov.il, page updated {page.updated}; {len(FEEDS)} feeds here.")
    open_console().print(_table(differences) if differences else "No differences.")
    print_disabled(with_reasons=True)
    if differences:
        raise SystemExit(1)


def _table(differences: Sequence[Drift]) -> Table:
    table = plain_table("Differences")
    for name in ("change", "feed", "company", "ours", "official"):
        table.add_column(name)
    for row in differences:
        add_row(table, row.change, row.feed, row.legal_name, row.ours, row.official)
    return table
