"""Tables on the terminal, all in the same style; what they show of others cannot command the terminal."""

import shutil
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gogobe_dagster.printable import printable

UNCUT = 10_000
"""Wider than any row."""
WRAPPED = 20
"""Characters at least for a column of texts that take several lines."""


class Column(NamedTuple):
    """A column of a table that is made to fit."""

    name: str
    justify: Literal["left", "right"] = "left"
    wraps: bool = False
    """Whether long texts take several lines; otherwise the column is as wide as its longest text."""
    is_optional: bool = False
    """Whether it is left out where the terminal is too narrow; codes, names and dates never are."""

    @property
    def heading(self) -> str:
        """Of several words, so that it takes several lines."""
        return self.name.replace("_", " ")


def open_console(file: TextIO | None = None) -> Console:
    """Return a console as wide as the terminal, or as COLUMNS says; in a pipe or a file nothing is cut."""
    is_cut = file is None and shutil.get_terminal_size((0, 0)).columns > 0
    return Console(file=file, width=None if is_cut else UNCUT)


def plain_table(title: str) -> Table:
    """Make a table without lines, with its title on the left."""
    return Table(title=title, title_justify="left", box=None, pad_edge=False, collapse_padding=True)


def fitted_table(
    console: Console, title: str, columns: Sequence[Column], rows: Iterable[Sequence[str | Text]]
) -> Table:
    """Make a table that leaves out optional columns, the last one first, until it fits the console."""
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [
        max([*map(len, column.heading.split()), *(row[index].cell_len for row in texts)])
        for index, column in enumerate(columns)
    ]
    shown = _fitting(columns, widths, console.width)
    table = plain_table(title)
    for index in shown:
        column = columns[index]
        width = None if column.wraps else widths[index]
        table.add_column(column.heading, justify=column.justify, min_width=width, max_width=width)
    for row in texts:
        table.add_row(*(row[index] for index in shown))
    return table


def _fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """Return the indices of the columns that are shown in so many characters."""
    shown = list(range(len(columns)))
    while True:
        least = (min(widths[i], WRAPPED) if columns[i].wraps else widths[i] for i in shown)
        optional = [i for i in shown if columns[i].is_optional]
        if not optional or sum(least) + len(shown) - 1 <= width:
            return shown
        shown.remove(optional[-1])


def add_row(table: Table, *cells: str | Text) -> None:
    """Add a row of texts as they are: nothing in them is markup, and control characters are shown."""
    table.add_row(*map(_text, cells))


def _text(cell: str | Text) -> Text:
    return cell if isinstance(cell, Text) else Text(printable(cell))


def failure(code: str, reason: str = "") -> Text:
    """Return a code in red and why it was given."""
    return Text.assemble((code, "red"), f": {printable(reason)}" if reason else "")
