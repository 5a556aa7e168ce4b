"""`gogobe register`: how the official register of gov.il differs from ours."""

from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from gogobe_dagster.commands.disabled import disabled_table
from gogobe_dagster.feeds.register_drift import Drift, drift
from gogobe_dagster.feeds.registry import DISABLED, FEEDS
from gogobe_dagster.settings import Settings


@click.command()
def register() -> None:
    """Compare the official register of gov.il with ours: which chains are new, gone or changed.

    It asks gov.il once and changes nothing; Dagster does the same every Monday. gov.il wants the id that
    its own pages send: set GOGOBE_GOV_IL_CLIENT_ID. Exit code 0: nothing differs; 1: something does, or
    gov.il could not be read, and then the code says why.
    """
    from gogobe_dagster.errors import GogobeError, PortalError
    from gogobe_dagster.portals.gov_register import read_official_register

    try:
        page = read_official_register(Settings.read())
    except PortalError as error:
        raise GogobeError(f"the official register: {error.code}: {error.reason}") from None
    found = drift(page.rows, FEEDS, DISABLED)
    click.echo(f"{len(page.rows)} companies on gov.il, page of {page.updated}; {len(FEEDS)} feeds here.")
    Console().print(_table(found) if found else "Nothing differs.")
    Console().print(disabled_table())
    if found:
        raise SystemExit(1)


def _table(found: Sequence[Drift]) -> Table:
    table = Table(title="What differs", title_justify="left", box=None, pad_edge=False)
    for name in ("change", "feed", "company", "ours", "official"):
        table.add_column(name)
    for one in found:
        table.add_row(one.change, one.feed, one.legal_name, one.ours, one.official)
    return table
