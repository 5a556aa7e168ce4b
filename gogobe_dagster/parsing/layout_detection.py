"""Look at the first row of a document to learn its layout: what it is and where its rows are.

It costs a fraction of a millisecond whatever the size, and promises nothing about what it did not look at.
"""

import re
from collections.abc import Sized
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.dialects import PLACES, Dialects, Place, dialects_of, local

TAG: Final = re.compile(rb"<(/?)([A-Za-z_][\w.:-]*)(?:\s[^<>]*?)?(/?)>", re.ASCII)
DEEPEST: Final = 32  # the deepest real documents, promotions of 2026, have 9
MOST_TAGS: Final = 500  # real documents have up to 40 different ones
FEW_SHORT_ROWS: Final = 10_000
SHORTEST_ROW: Final = 100  # bytes; real rows have 200 to 1,000
MOST_LOOKED_AT: Final = 2_000_000  # a row of the largest promotions has 300,000 tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a document is and where its rows are, in its own spelling."""

    dialects: Dialects
    path: tuple[str, ...]
    """From the root to the row, with namespace prefixes as written."""

    @property
    def place(self) -> Place:
        """The element that holds the rows, and the row, in lower case."""
        return local(self.path[-2]).lower(), local(self.path[-1]).lower()

    @property
    def dialect(self) -> str:
        """The path in words, the same for all files of a chain's software."""
        return "/".join(local(tag) for tag in self.path)


def sniff(xml: bytes | memoryview) -> Layout | None:
    """Return the layout, or None when no row of any known document is there.

    Raises `ContentError` hostile_content for elements nested deeper than any document has.
    """
    scan = _Scan()
    for match in islice(TAG.finditer(xml), MOST_LOOKED_AT):
        scan.take(*match.groups())
        if scan.layout is not None:
            return scan.layout
    return None


def check_tags(tags: Sized) -> None:
    """Raise `ContentError` hostile_content for more different tags than any document has."""
    if len(tags) > MOST_TAGS:
        raise ContentError(Code.HOSTILE_CONTENT, f"more than {MOST_TAGS} different tags")


def check_rows(rows: int, size: int) -> None:
    """Raise `ContentError` hostile_content for rows too short to say anything, which cost memory."""
    if rows > FEW_SHORT_ROWS and rows * SHORTEST_ROW > size:
        raise ContentError(Code.HOSTILE_CONTENT, f"{rows:,} rows of less than {SHORTEST_ROW} bytes")


class _Scan:
    """Follows tags from the start of a document up to the end of a row that tells what it is."""

    def __init__(self) -> None:
        self.layout: Layout | None = None
        self._stack: list[str] = []
        self._seen: set[str] = set()
        self._inside: set[str] = set()
        self._row_depth = 0

    def take(self, closes: bytes, tag: bytes, empty: bytes) -> None:
        name = tag.decode()
        if closes:
            self._close(name)
            return
        self._open(name)
        if empty:
            self._close(name)

    def _open(self, name: str) -> None:
        if self._row_depth and name == self._stack[self._row_depth - 1]:  # the row before it did not end
            del self._stack[self._row_depth - 1 :]
            self._row_depth = 0
        self._stack.append(name)
        depth = len(self._stack)
        if depth > DEEPEST:
            raise ContentError(Code.HOSTILE_CONTENT, f"elements are nested deeper than {DEEPEST}")
        self._seen.add(name)
        check_tags(self._seen)
        if self._row_depth:
            self._inside.add(name)
        elif depth > 1 and self._place() in PLACES:
            self._row_depth, self._inside = depth, set()

    def _place(self) -> Place:
        return local(self._stack[-2]).lower(), local(self._stack[-1]).lower()

    def _close(self, name: str) -> None:
        if name not in self._stack:
            return
        while self._stack[-1] != name:
            self._stack.pop()
        if len(self._stack) == self._row_depth:
            self._end_row()
        self._stack.pop()
        if len(self._stack) < self._row_depth:
            self._row_depth = 0

    def _end_row(self) -> None:
        self._row_depth = 0
        found = dialects_of(self._place(), (local(tag).lower() for tag in self._inside))
        if found is not None:
            self.layout = Layout(dialects=found, path=tuple(self._stack))
