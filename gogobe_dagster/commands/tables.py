"""Tables on the terminal, all in the same style."""

from rich.table import Table


def plain_table(title: str) -> Table:
    """Make a table without lines, with its title on the left."""
    return Table(title=title, title_justify="left", box=None, pad_edge=False, collapse_padding=True)
