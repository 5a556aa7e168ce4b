"""Tables on the terminal, all in the same style; what they show of others cannot command the terminal."""

from rich.table import Table
from rich.text import Text

from gogobe_dagster.printable import printable


def plain_table(title: str) -> Table:
    """Make a table without lines, with its title on the left."""
    return Table(title=title, title_justify="left", box=None, pad_edge=False, collapse_padding=True)


def add_row(table: Table, *cells: str | Text) -> None:
    """Add a row of texts as they are: nothing in them is markup, and control characters are shown."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in cells))


def failure(code: str, reason: str = "") -> Text:
    """Return a code in red and why it was given."""
    return Text.assemble((code, "red"), f": {printable(reason)}" if reason else "")
