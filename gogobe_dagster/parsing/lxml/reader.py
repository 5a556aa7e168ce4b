"""The lxml reader: for documents that the fast reader cannot take, and the reference in its tests.

It receives the document as events, builds no tree, and goes on after wrong markup. It accepts only rows with
both tags. What the values mean is in `normalization`.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import polars as pl
from lxml import etree

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.dialects import Dialects, local
from gogobe_dagster.parsing.layout_detection import MAX_DEPTH, Layout, check_rows, check_tags
from gogobe_dagster.parsing.report import ROW_NUMBER, RawRows, Reader

CHUNK_BYTES: Final = 1 << 16
CONTROL: Final = re.compile(r"[\x00-\x1f]+")
# Written by programs that paste text together. At a bare `<` libxml2 gives up, and a bare `&` it drops.
BARE_LESS: Final = re.compile(rb"<(?![A-Za-z_/!?])")
BARE_AMPERSAND: Final = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});)")
# After its first error libxml2 silently drops `&amp;` and other named entities, but not `&#38;`.
ENTITIES: Final = {
    b"&amp;": b"&#38;",
    b"&lt;": b"&#60;",
    b"&gt;": b"&#62;",
    b"&quot;": b"&#34;",
    b"&apos;": b"&#39;",
    b"]]>": b"]]&#62;",  # outside CDATA; libxml2 would lose the text before it
}
CDATA, CDATA_END = b"<![CDATA[", b"]]>"
REFERENCES: Final = re.compile(rb"(?:&#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});)+")
REFERENCE: Final = re.compile(rb"&#(?:([0-9]+)|[xX]([0-9a-fA-F]+));")
SURROGATES: Final = range(0xD800, 0xE000)
NO_CHARACTERS: Final = frozenset({0xFFFE, 0xFFFF})
WHITE_SPACE: Final = frozenset(b"\t\n\r")
FIRST_PRINTABLE, LAST_CHARACTER = ord(" "), 0x10FFFF
REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
NO_CONTROL: Final = bytes.maketrans(bytes(range(32)), b"\n" * 32)
MAX_COUNT_DIGITS: Final = 9


def read_with_lxml(xml: bytes, layout: Layout) -> RawRows:
    """Read every complete row of a document; the others are counted as broken.

    Raises `ContentError` (hostile_content) for elements nested deeper than any real document has.
    """
    check_rows(count_rows(xml, layout), len(xml))
    repaired, is_repaired = repair(xml)
    rows = RowCollector(layout.dialects, layout.dialects.columns)
    target: Any = RowTarget(layout, rows)  # lxml-stubs also want comment(), which would be called for nothing
    parser = etree.XMLParser(
        target=target, recover=True, resolve_entities=False, no_network=True, huge_tree=False
    )
    for start in range(0, len(repaired), CHUNK_BYTES):
        parser.feed(repaired[start : start + CHUNK_BYTES])
    target.finish()
    # The parser does not say what it skipped; the bytes do.
    begun = max(count_rows(repaired, layout), target.begun)
    return RawRows(
        reader=Reader.LXML,
        dialects=layout.dialects,
        dialect=layout.dialect,
        rows=rows.frame(),
        header=target.header,
        declared=target.declared,
        broken=begun - len(rows),
        unknown=dict(target.unknown),
        notes=(Note.REPAIRED_MARKUP,) if is_repaired else (),
        damaged=target.is_torn or begun > target.begun,
    )


def repair(xml: bytes) -> tuple[bytes, bool]:
    """Escape text so that libxml2 keeps it; return also whether it was wrong before."""
    # Every second section is CDATA, in which nothing needs to be escaped.
    xml, wrong = replace_bad_references(xml.translate(NO_CONTROL))
    sections = _split_at_cdata(xml)
    for number in range(0, len(sections), 2):
        text, bare_less = BARE_LESS.subn(b"&#60;", sections[number])
        text, bare_ampersand = BARE_AMPERSAND.subn(b"&#38;", text)
        for entity, character in ENTITIES.items():
            text = text.replace(entity, character)
        sections[number] = text
        wrong += bare_less + bare_ampersand
    return b"".join(sections), wrong > 0


def _split_at_cdata(xml: bytes) -> list[bytes]:
    """Return text and CDATA sections by turns. A section that does not end is text, as all after it."""
    sections, after = [], 0
    while (start := xml.find(CDATA, after)) >= 0 and (end := xml.find(CDATA_END, start)) >= 0:
        end += len(CDATA_END)
        sections += [xml[after:start], xml[start:end]]
        after = end
    return [*sections, xml[after:]]


def replace_bad_references(xml: bytes) -> tuple[bytes, int]:
    """Replace references to what is no character of XML; return also how many runs of them there were.

    libxml2 would drop them, or pass on bytes that are no UTF-8. Programs that know characters as units of
    UTF-16 write an emoji as `&#xD83D;&#xDE00;`: both halves become the emoji that is meant. A half alone, and
    what else is no character, becomes a replacement character; control characters become line ends.
    """
    if b"&#" not in xml:
        return xml, 0
    wrong = 0

    def repaired(run: re.Match[bytes]) -> bytes:
        nonlocal wrong
        numbers = [
            int(decimal or b"0") or int(hexadecimal or b"0", 16)
            for decimal, hexadecimal in REFERENCE.findall(run[0])
        ]
        if not any(map(_is_bad, numbers)):
            return run[0]
        wrong += 1
        return b"".join(map(_reference, _joined(numbers)))

    return REFERENCES.sub(repaired, xml), wrong


def _is_bad(number: int) -> bool:
    is_control = number < FIRST_PRINTABLE and number not in WHITE_SPACE
    return is_control or number > LAST_CHARACTER or number in SURROGATES or number in NO_CHARACTERS


def _joined(numbers: Iterable[int]) -> str:
    """Join the halves of surrogate pairs."""
    text = "".join(chr(number) if number <= LAST_CHARACTER else REPLACED for number in numbers)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _reference(character: str) -> bytes:
    number = ord(character)
    if number == 0 or number in NO_CHARACTERS:
        number = ord(REPLACED)
    elif _is_bad(number):
        number = ord("\n")
    return b"&#%d;" % number


def count_rows(xml: bytes, layout: Layout) -> int:
    """Count the start tags of rows, or the end tags if there are more: of a torn row either may be left."""
    row = re.escape(layout.path[-1].encode())
    return max(sum(1 for _ in re.finditer(b"<" + mark + row + rb"(?=[\s/>])", xml)) for mark in (b"", b"/"))


class RowCollector:
    """Rows as columns of text: lists per column need less memory than dictionaries per row."""

    def __init__(self, dialects: Dialects, columns: Collection[str]) -> None:
        """Collect these columns of the dialects."""
        self._numbers: list[int] = []
        self._columns: dict[str, list[str | None]] = {column: [] for column in columns}
        self._tags = [(self._columns[column], dialects.columns[column]) for column in columns]
        self._inherited = [(self._columns[name], dialects.columns[name]) for name in dialects.inherited]

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, values: Mapping[str, str]) -> None:
        """Add a row; of several spellings of one column the preferred one counts."""
        self._numbers.append(number)
        for column, tags in self._tags:
            column.append(next((values[tag] for tag in tags if tag in values), None))

    def skip(self, number: int) -> None:
        """Add rows that another reader reads."""
        self._numbers += range(len(self) + 1, len(self) + 1 + number)
        for column in self._columns.values():
            column.extend([None] * number)

    def fill(self, first: int, values: Mapping[str, str]) -> None:
        """Fill inherited columns of the rows from `first` on, where they are null."""
        for column, tags in self._inherited:
            inherited = next((values[tag] for tag in tags if tag in values), None)
            if inherited is not None:
                column[first:] = [inherited if value is None else value for value in column[first:]]

    def column(self, name: str) -> Sequence[str | None]:
        """Return one of the columns."""
        return self._columns[name]

    def frame(self) -> pl.DataFrame:
        """Return the rows with their numbers in the document."""
        columns = [pl.Series(name, values, pl.String) for name, values in self._columns.items()]
        return pl.DataFrame([pl.Series(ROW_NUMBER, self._numbers, pl.Int32), *columns])


@dataclass(slots=True)
class _Element:
    name: str
    first_row: int
    has_children: bool = False
    text: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    """The texts of its children that are not blank, by lower-case tag."""


class RowTarget:
    """Parser target that lxml calls. It keeps its own stack: lxml's is wrong after a missing end tag."""

    def __init__(self, layout: Layout, rows: RowCollector) -> None:
        """Start before the first event."""
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
        """Handle a start tag."""
        name = lower(tag)
        if name == self._row and self._row_depth is not None:
            self._drop_torn_row(self._row_depth)
        if len(self._stack) >= MAX_DEPTH:
            raise ContentError(Code.HOSTILE_CONTENT, f"elements are nested deeper than {MAX_DEPTH}")
        if self._stack:
            self._stack[-1].has_children = True
            # In any position: after a wrong end tag the parent may be wrong.
            if name == self._row and self._row_depth is None:
                self._row_depth = len(self._stack)
                self.begun += 1
        if attributes and name == self._holder:
            self._note_count(attributes)
        self._stack.append(_Element(name, len(self.rows)))

    def data(self, text: str) -> None:
        """Handle text, or a part of it."""
        if self._stack and (self._row_depth is not None or not text.isspace()):
            self._stack[-1].text.append(text)

    def end(self, tag: str) -> None:
        """Handle an end tag."""
        name = lower(tag)
        if not self._stack or self._stack[-1].name != name:
            self._close_up_to(name)
        if self._stack and self._stack[-1].name == name:
            self._finish(tag, self._stack.pop())

    def close(self) -> None:
        """Return nothing: lxml calls this even after half a document."""

    def finish(self) -> None:
        """Close the elements that are still open: the document is cut off."""
        self.is_torn = self.is_torn or bool(self._stack)
        while self._stack:
            self._leave(self._stack.pop())

    def _close_up_to(self, name: str) -> None:
        """Close the elements that should have ended before; an end tag without a start is ignored."""
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
            if (
                lower(key) == "count"
                and value.isascii()
                and value.isdigit()
                and len(value) <= MAX_COUNT_DIGITS
            ):
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
        """Use the fields of an element outside rows; those of an incomplete row are dropped."""
        if self._row_depth is not None:
            if len(self._stack) == self._row_depth:
                self._row_depth = None
            return
        self.rows.fill(element.first_row, element.values)
        for name, tags in self._dialects.header.items():
            text = next((element.values[tag] for tag in tags if tag in element.values), None)
            if text is not None:
                self.header.setdefault(name, text)


@lru_cache(maxsize=1024)
def lower(tag: str) -> str:
    """Return a tag spelled as in the tables of dialects: lower case, no namespace."""
    return local(tag).lower()
