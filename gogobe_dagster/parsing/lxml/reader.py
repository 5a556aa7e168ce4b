"""The second reader: lxml, for documents that the fast one cannot take, and the oracle in tests.

It hears the document as events, builds no tree, goes on after wrong markup, and believes only rows that
it saw begin and end. What the values mean is in `normalise`.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import polars as pl
from lxml import etree

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.parsing.dialects import Dialects, local
from gogobe_dagster.parsing.layout_detection import DEEPEST, Layout, check_rows, check_tags
from gogobe_dagster.parsing.report import ROW_NUMBER, RawRows

PIECE: Final = 1 << 16
CONTROL: Final = re.compile(r"[\x00-\x1f]+")
# What programs write that paste text together: at a bare `<` libxml2 gives up, a bare `&` it drops.
BARE_LESS: Final = re.compile(rb"<(?![A-Za-z_/!?])")
BARE_AMPERSAND: Final = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});)")
# After its first complaint libxml2 drops `&amp;` and its like without a word, but not `&#38;`.
ENTITIES: Final = {
    b"&amp;": b"&#38;",
    b"&lt;": b"&#60;",
    b"&gt;": b"&#62;",
    b"&quot;": b"&#34;",
    b"&apos;": b"&#39;",
    b"]]>": b"]]&#62;",  # outside CDATA; libxml2 would lose the text before it
}
CDATA: Final = re.compile(rb"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
NO_CONTROL: Final = bytes.maketrans(bytes(range(32)), b"\n" * 32)
LONGEST_COUNT: Final = 9


def read_carefully(xml: bytes, layout: Layout) -> RawRows:
    """Read every complete row of a document; the others are counted as broken.

    Raises `ContentError` hostile_content for elements nested deeper than any document has.
    """
    check_rows(count_begun(xml, layout), len(xml))
    repaired, is_repaired = repair(xml)
    rows = Rows(layout.dialects, layout.dialects.columns)
    walk: Any = Walk(layout, rows)  # lxml-stubs also want comment(), which would be called for nothing
    parser = etree.XMLParser(
        target=walk, recover=True, resolve_entities=False, no_network=True, huge_tree=False
    )
    for start in range(0, len(repaired), PIECE):
        parser.feed(repaired[start : start + PIECE])
    walk.finish()
    # the parser does not say what it skipped; the bytes do
    begun = max(count_begun(repaired, layout), walk.begun)
    return RawRows(
        reader="careful",
        dialects=layout.dialects,
        dialect=layout.dialect,
        rows=rows.frame(),
        header=walk.header,
        declared=walk.declared,
        broken=begun - len(rows),
        unknown=dict(walk.unknown),
        notes=("repaired_markup",) if is_repaired else (),
        damaged=walk.is_torn or begun > walk.begun,
    )


def repair(xml: bytes) -> tuple[bytes, bool]:
    """Write text so that libxml2 keeps it, and say whether it was wrong before."""
    # every second part is a CDATA section, whose text is text
    parts = CDATA.split(xml.translate(NO_CONTROL)) if b"<![CDATA[" in xml else [xml.translate(NO_CONTROL)]
    wrong = 0
    for number in range(0, len(parts), 2):
        text, bare_less = BARE_LESS.subn(b"&#60;", parts[number])
        text, bare_ampersand = BARE_AMPERSAND.subn(b"&#38;", text)
        for entity, character in ENTITIES.items():
            text = text.replace(entity, character)
        parts[number] = text
        wrong += bare_less + bare_ampersand
    return b"".join(parts), wrong > 0


def count_begun(xml: bytes, layout: Layout) -> int:
    """Count the rows that begin, whatever becomes of them."""
    return sum(1 for _ in re.finditer(b"<" + re.escape(layout.path[-1].encode()) + rb"(?=[\s/>])", xml))


class Rows:
    """Rows as columns of text: a long document costs lists, not dictionaries."""

    def __init__(self, dialects: Dialects, columns: Collection[str]) -> None:
        """Keep some columns of the dialects."""
        self._numbers: list[int] = []
        self._columns: dict[str, list[str | None]] = {column: [] for column in columns}
        self._tags = [(self._columns[column], dialects.columns[column]) for column in columns]
        self._inherited = [(self._columns[name], dialects.columns[name]) for name in dialects.inherited]

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, values: Mapping[str, str]) -> None:
        """Add a row; of several spellings of one column the first that says something counts."""
        self._numbers.append(number)
        for column, tags in self._tags:
            column.append(next((values[tag] for tag in tags if tag in values), None))

    def pass_over(self, number: int) -> None:
        """Add rows that somebody else reads."""
        self._numbers += range(len(self) + 1, len(self) + 1 + number)
        for column in self._columns.values():
            column.extend([None] * number)

    def fill(self, first: int, values: Mapping[str, str]) -> None:
        """Give rows what stands around them, where they do not say it themselves."""
        for column, tags in self._inherited:
            said = next((values[tag] for tag in tags if tag in values), None)
            if said is not None:
                column[first:] = [said if value is None else value for value in column[first:]]

    def column(self, name: str) -> Sequence[str | None]:
        """Return what rows say in one of the columns."""
        return self._columns[name]

    def frame(self) -> pl.DataFrame:
        """Return them with their numbers in the document."""
        columns = [pl.Series(name, values, pl.String) for name, values in self._columns.items()]
        return pl.DataFrame([pl.Series(ROW_NUMBER, self._numbers, pl.Int32), *columns])


@dataclass(slots=True)
class _Element:
    name: str
    first_row: int
    has_children: bool = False
    text: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    """Its children that hold text and say something, by lower-case tag."""


class Walk:
    """What lxml calls. The stack is ours: after a missing end tag lxml's own is wrong to the end."""

    def __init__(self, layout: Layout, rows: Rows) -> None:
        """Nothing is heard yet."""
        self.rows = rows
        self.header: dict[str, str] = {}
        self.declared: int | None = None
        self.unknown: Counter[str] = Counter()
        self.begun = 0
        self.is_torn = False
        self._dialects = layout.dialects
        self._known = layout.dialects.known
        self._holder, self._row = layout.place
        self._row_depth: int | None = None
        self._stack: list[_Element] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Hear that an element begins."""
        name = lower(tag)
        if name == self._row and self._row_depth is not None:
            self._drop_torn_row(self._row_depth)
        if len(self._stack) >= DEEPEST:
            raise ContentError(Code.HOSTILE_CONTENT, f"elements are nested deeper than {DEEPEST}")
        if self._stack:
            self._stack[-1].has_children = True
            # wherever it stands: after a wrong end tag lxml's idea of the parent is wrong
            if name == self._row and self._row_depth is None:
                self._row_depth = len(self._stack)
                self.begun += 1
        if attributes and name == self._holder:
            self._note_count(attributes)
        self._stack.append(_Element(name, len(self.rows)))

    def data(self, text: str) -> None:
        """Hear text, or a part of it."""
        if self._stack and (self._row_depth is not None or not text.isspace()):
            self._stack[-1].text.append(text)

    def end(self, tag: str) -> None:
        """Hear that an element ends."""
        name = lower(tag)
        if not self._stack or self._stack[-1].name != name:
            self._close_up_to(name)
        if self._stack and self._stack[-1].name == name:
            self._finish(tag, self._stack.pop())

    def close(self) -> None:
        """Say nothing: lxml calls this also after half a document."""

    def finish(self) -> None:
        """Leave what still stands open: the document is cut off."""
        self.is_torn = self.is_torn or bool(self._stack)
        while self._stack:
            self._leave(self._stack.pop())

    def _close_up_to(self, name: str) -> None:
        """Leave what should have ended before; an end tag without a start is passed over."""
        self.is_torn = True
        if any(element.name == name for element in self._stack):
            while self._stack[-1].name != name:
                self._leave(self._stack.pop())

    def _drop_torn_row(self, depth: int) -> None:
        self.is_torn = True
        self._row_depth = None
        del self._stack[depth:]

    def _note_count(self, attributes: Mapping[str, str]) -> None:
        for key, value in attributes.items():
            if lower(key) == "count" and value.isascii() and value.isdigit() and len(value) <= LONGEST_COUNT:
                self.declared = (self.declared or 0) + int(value)

    def _finish(self, tag: str, element: _Element) -> None:
        text = "".join(element.text)
        if len(self._stack) == self._row_depth:
            self._row_depth = None
            self.rows.add(self.begun, element.values)
        elif element.has_children and (element.name not in self._known or not text.strip()):
            self._leave(element)
        elif self._stack and text.strip():
            self._note_value(tag, element.name, text)

    def _note_value(self, tag: str, name: str, text: str) -> None:
        is_nested = self._row_depth is not None and len(self._stack) - 1 > self._row_depth
        if is_nested or name not in self._known:
            self.unknown[local(tag)] += 1
            check_tags(self.unknown)
        elif name not in self._stack[-1].values:
            self._stack[-1].values[name] = text if text.isprintable() else CONTROL.sub(" ", text)

    def _leave(self, element: _Element) -> None:
        """Hand on what an element around rows says; of a row that did not end, say nothing."""
        if self._row_depth is not None:
            if len(self._stack) == self._row_depth:
                self._row_depth = None
            return
        self.rows.fill(element.first_row, element.values)
        for name, tags in self._dialects.header.items():
            said = next((element.values[tag] for tag in tags if tag in element.values), None)
            if said is not None:
                self.header.setdefault(name, said)


@lru_cache(maxsize=1024)
def lower(tag: str) -> str:
    """Return a tag as the tables of dialects have it."""
    return local(tag).lower()
