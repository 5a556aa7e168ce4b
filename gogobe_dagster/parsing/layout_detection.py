"""Detects the layout of a document from its first row: what document it is and where its rows are.

It takes a fraction of a millisecond whatever the size, and knows nothing about the rest of the document.
"""

import re
from collections.abc import Sized
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.dialects import PLACES, Dialects, Place, find_dialects, local

TAG: Final = re.compile(rb"<(/?)([A-Za-z_][\w.:-]*)(?:\s[^<>]*?)?(/?)>", re.ASCII)
MAX_DEPTH: Final = 32  # the deepest real documents, promotions of 2026, have 9
MAX_DIFFERENT_TAGS: Final = 500  # real documents have up to 40 different ones
MAX_SHORT_ROWS: Final = 10_000
MIN_ROW_BYTES: Final = 100  # bytes; real rows have 200 to 1,000
MAX_SCANNED_TAGS: Final = 2_000_000  # a row of the largest promotions has 300,000 tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a document is, and the path of its rows in its own spelling."""

    dialects: Dialects
    path: tuple[str, ...]
    """From the root to the row, with namespace prefixes as written."""

    @property
    def place(self) -> Place:
        """The element that holds the rows, and the row, in lower case."""
        return local(self.path[-2]).lower(), local(self.path[-1]).lower()

    @property
    def dialect(self) -> str:
        """The path as one text, the same for all files of a chain's software."""
        return "/".join(local(tag) for tag in self.path)


def detect_layout(xml: bytes | memoryview) -> Layout | None:
    """Return the layout, or None if there is no row of any known document.

    Raises `ContentError` (hostile_content) for elements nested deeper than any real document has.
    """
    scanner = _LayoutScanner()
    for match in islice(TAG.finditer(xml), MAX_SCANNED_TAGS):
        scanner.follow(*match.groups())
        if scanner.layout is not None:
            return scanner.layout
    return None


def check_tags(tags: Sized) -> None:
    """Raise `ContentError` (hostile_content) for more different tags than any real document has."""
    if len(tags) > MAX_DIFFERENT_TAGS:
        raise ContentError(Code.HOSTILE_CONTENT, f"more than {MAX_DIFFERENT_TAGS} different tags")


def check_rows(rows: int, size: int) -> None:
    """Raise `ContentError` (hostile_content) for many rows too short to be real: each costs memory."""
    if rows > MAX_SHORT_ROWS and rows * MIN_ROW_BYTES > size:
        raise ContentError(Code.HOSTILE_CONTENT, f"{rows:,} rows of less than {MIN_ROW_BYTES} bytes")


class _LayoutScanner:
    """Follows tags from the start of a document up to the end of the first row of a known kind."""

    def __init__(self) -> None:
        self.layout: Layout | None = None
        self._stack: list[str] = []
        self._seen: set[str] = set()
        self._inside: set[str] = set()
        self._row_depth = 0

    def follow(self, closes: bytes, tag: bytes, empty: bytes) -> None:
        name = tag.decode()
        if closes:
            self._close(name)
            return
        self._open(name)
        if empty:
            self._close(name)

    def _open(self, name: str) -> None:
        if self._row_depth and name == self._stack[self._row_depth - 1]:  # the previous row did not end
            del self._stack[self._row_depth - 1 :]
            self._row_depth = 0
        self._stack.append(name)
        depth = len(self._stack)
        if depth > MAX_DEPTH:
            raise ContentError(Code.HOSTILE_CONTENT, f"elements are nested deeper than {MAX_DEPTH}")
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
        found = find_dialects(self._place(), (local(tag).lower() for tag in self._inside))
        if found is not None:
            self.layout = Layout(dialects=found, path=tuple(self._stack))
