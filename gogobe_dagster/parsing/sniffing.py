"""Look at a few places of a document to learn its layout: what it is, where rows live, which tags they have.

It costs less than a millisecond whatever the size. It promises nothing about what it did not look at: the
fast reader checks afterwards that it saw every element.
"""

import re
from collections.abc import Sized
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.dialects import PLACES, Dialects, Place, dialects_of, local

TAG: Final = re.compile(rb"<(/?)([A-Za-z_][\w.:-]*)(?:\s[^<>]*?)?(/?)>", re.ASCII)
NAME: Final = re.compile(rb"<([A-Za-z_][\w.:-]*)", re.ASCII)
DEEPEST: Final = 32  # the deepest real documents, promotions of 2026, have 9
FEW_ROWS: Final = 5
MOST_TAGS: Final = 500  # real documents have up to 40 different ones
FEW_SHORT_ROWS: Final = 10_000
SHORTEST_ROW: Final = 100  # bytes; real rows have 200 to 1,000
MOST_LOOKED_AT: Final = 2_000_000  # five rows of the largest promotions have 400,000 tags
WINDOW: Final = 1 << 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything is, in the document's own spelling; equal layouts share a parser."""

    dialects: Dialects
    path: tuple[str, ...]
    """From the root to the row, with namespace prefixes as written."""
    around: tuple[tuple[int, str], ...]
    """Fields of the elements around the rows: the depth of the element, the tag."""
    tags: tuple[str, ...]
    """Fields of a row."""

    @property
    def place(self) -> Place:
        """The element that holds the rows, and the row, in lower case."""
        return local(self.path[-2]).lower(), local(self.path[-1]).lower()

    @property
    def dialect(self) -> str:
        """The path in words, the same for all files of a chain's software."""
        return "/".join(local(tag) for tag in self.path)


def sniff(xml: bytes) -> Layout | None:
    """Return the layout, or None when no row of any known document is there.

    Raises `ContentError` hostile_content for elements nested deeper than any document has.
    """
    scan = _Scan()
    for match in islice(TAG.finditer(xml), MOST_LOOKED_AT):
        scan.take(*match.groups())
        if scan.is_enough:
            break
    if scan.dialects is None:
        return None
    end = xml.rfind(b"</" + scan.path[-1].encode() + b">")
    scan.read_end(xml[end : end + WINDOW])
    return Layout(
        dialects=scan.dialects,
        path=scan.path,
        around=tuple(sorted((depth, tag) for depth, tag in scan.around if tag not in scan.path)),
        tags=tuple(sorted(scan.tags | _more_tags(xml, scan, end))),
    )


def tags_of(xml: bytes) -> set[str]:
    """Return every tag, with its prefix. Raises `ContentError` hostile_content for too many."""
    tags: set[bytes] = set()
    for match in NAME.finditer(xml):
        tags.add(match[1])
        check_tags(tags)
    return {tag.decode() for tag in tags}


def check_tags(tags: Sized) -> None:
    """Raise `ContentError` hostile_content for more different tags than any document has."""
    if len(tags) > MOST_TAGS:
        raise ContentError(Code.HOSTILE_CONTENT, f"more than {MOST_TAGS} different tags")


def check_rows(rows: int, xml: bytes) -> None:
    """Raise `ContentError` hostile_content for rows too short to say anything, which cost memory."""
    if rows > FEW_SHORT_ROWS and rows * SHORTEST_ROW > len(xml):
        raise ContentError(Code.HOSTILE_CONTENT, f"{rows:,} rows of less than {SHORTEST_ROW} bytes")


def tags_in_order(xml: bytes) -> tuple[bytes, ...]:
    """Return every tag once, in the order of first appearance: alike in documents of one layout."""
    return tuple(dict.fromkeys(NAME.findall(xml)))


def _more_tags(xml: bytes, scan: "_Scan", end: int) -> set[str]:
    """Look into the middle and the last rows: a few odd items may have fields that the first ones lack."""
    row = b"<" + scan.path[-1].encode()
    starts = (end // 2, end - WINDOW) if end > WINDOW else ()
    windows = [xml[start : start + WINDOW] for start in starts]
    seen = {tag for window in windows for tag in tags_of(window[max(window.find(row), 0) :])}
    return seen - set(scan.path) - {tag for _, tag in scan.around}


class _Scan:
    """Follows tags from the start of a document through its first rows."""

    def __init__(self) -> None:
        self.dialects: Dialects | None = None
        self.path: tuple[str, ...] = ()
        self.around: set[tuple[int, str]] = set()
        self.tags: set[str] = set()
        self._stack: list[str] = []
        self._inside: list[str] = []
        self._row_depth = 0
        self._rows = 0
        self._last_opened = 0

    @property
    def is_enough(self) -> bool:
        return self._rows >= FEW_ROWS

    def take(self, closes: bytes, tag: bytes, empty: bytes) -> None:
        name = tag.decode()
        if closes:
            self._close(name)
            return
        self._open(name)
        if empty:
            self._close(name)

    def read_end(self, xml: bytes) -> None:
        """Take what follows the last row, from its end tag on."""
        self._stack, self._row_depth = list(self.path), 0
        for match in TAG.finditer(xml):
            self.take(*match.groups())

    def _open(self, name: str) -> None:
        if self._row_depth and name == self._stack[self._row_depth - 1]:  # the row before it did not end
            del self._stack[self._row_depth - 1 :]
            self._row_depth = 0
        self._stack.append(name)
        depth = self._last_opened = len(self._stack)
        if depth > DEEPEST:
            raise ContentError(Code.HOSTILE_CONTENT, f"elements are nested deeper than {DEEPEST}")
        if not self._row_depth and depth > 1 and self._place() in PLACES:
            self._row_depth, self._inside = depth, []

    def _place(self) -> Place:
        return local(self._stack[-2]).lower(), local(self._stack[-1]).lower()

    def _close(self, name: str) -> None:
        if name not in self._stack:
            return
        while self._stack[-1] != name:
            self._stack.pop()
        depth = len(self._stack)
        if depth == self._row_depth:
            self._end_row()
        elif depth == self._last_opened:
            self._end_leaf(name, depth)
        self._stack.pop()
        if len(self._stack) < self._row_depth:
            self._row_depth = 0

    def _end_leaf(self, name: str, depth: int) -> None:
        if self._row_depth:
            self._inside.append(name)
        else:
            self.around.add((depth - 1, name))
            check_tags(self.around)

    def _end_row(self) -> None:
        self._row_depth = 0
        found = dialects_of(self._place(), (local(tag).lower() for tag in self._inside))
        if found is None or (self.dialects and found is not self.dialects):
            return
        self.dialects, self.path = found, tuple(self._stack)
        self.tags.update(self._inside)
        check_tags(self.tags)
        self._rows += 1
