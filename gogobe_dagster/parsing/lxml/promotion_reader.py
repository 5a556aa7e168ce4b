"""The lxml reader of promotions: for chunks that the fast one cannot take, and the reference in its tests.

Like `reader` it receives the document as events and goes on after wrong markup. It accepts only promotions
that are complete with everything inside: half a promotion would be another offer.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl
from lxml import etree

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.dialects import Dialects, local
from gogobe_dagster.parsing.layout_detection import MAX_DEPTH, Layout
from gogobe_dagster.parsing.lxml.reader import (
    CHUNK_BYTES,
    CONTROL,
    MAX_COUNT_DIGITS,
    count_rows,
    lower,
    repair,
)
from gogobe_dagster.parsing.promotions.raw import (
    GROUP,
    IS_GIFT,
    POSITION,
    RawDocument,
    RawPromotions,
    is_known_field,
    nested_layout,
    select_columns,
)
from gogobe_dagster.parsing.report import ROW_NUMBER, Reader

CODE: Final = "code"


def read_promotions_with_lxml(xml: bytes, layout: Layout) -> RawPromotions:
    """Read every complete promotion; the others are only counted, in `begun`.

    Raises `ContentError` (hostile_content) for elements nested deeper than any real document has.
    """
    repaired, is_repaired = repair(xml)
    target: Any = _PromotionTarget(
        layout
    )  # lxml-stubs also want comment(), which would be called for nothing
    parser = etree.XMLParser(
        target=target, recover=True, resolve_entities=False, no_network=True, huge_tree=False
    )
    for start in range(0, len(repaired), CHUNK_BYTES):
        parser.feed(repaired[start : start + CHUNK_BYTES])
    target.finish()
    begun = max(count_rows(repaired, layout), target.begun)
    return RawPromotions(
        reader=Reader.LXML,
        documents=[
            RawDocument(
                header=target.header, declared=target.declared, begun=begun, unknown=dict(target.unknown)
            )
        ],
        rows=_frame(target.rows),
        groups=_frame(target.groups),
        items=_frame(target.items),
        notes=(Note.REPAIRED_MARKUP,) if is_repaired else (),
        damaged=target.is_torn or begun > target.begun,
    )


def _frame(records: list[dict[str, Any]]) -> pl.DataFrame:
    names = {name for record in records for name in record} - {*POSITION, IS_GIFT}
    schema = {**POSITION, IS_GIFT: pl.Boolean, **dict.fromkeys(sorted(names), pl.String)}
    return pl.DataFrame(records, schema=schema)


@dataclass(slots=True)
class _Element:
    name: str
    is_item: bool = False
    is_record: bool = False
    has_children: bool = False
    text: list[str] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)
    """The texts of its fields, by lower-case tag; wrappers pass theirs on."""
    groups: "list[_Element]" = field(default_factory=list)
    items: "list[tuple[bool, _Element]]" = field(default_factory=list)

    def take(self, wrapper: "_Element") -> None:
        for tag, values in wrapper.values.items():
            self.values.setdefault(tag, []).extend(values)
        self.groups += wrapper.groups
        self.items += wrapper.items


class _PromotionTarget:
    """Parser target that lxml calls. It keeps its own stack: lxml's is wrong after a missing end tag."""

    def __init__(self, layout: Layout) -> None:
        self.rows: list[dict[str, Any]] = []
        self.groups: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []
        self.header: dict[str, str] = {}
        self.declared: int | None = None
        self.unknown: Counter[str] = Counter()
        self.begun = 0
        self.is_torn = False
        self._unknown_in_row: Counter[str] = Counter()
        self._spellings: dict[str, str] = {}
        self._dialects: Dialects = layout.dialects
        self._nested = nested_layout(layout.dialects)
        self._holder, self._row = layout.place
        self._row_depth: int | None = None
        self._stack: list[_Element] = []

    # ------------------------------------------------------------ what lxml calls

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = lower(tag)
        self._spellings.setdefault(name, local(tag))
        if name == self._row and self._row_depth is not None:
            self._drop_torn_row()
        if len(self._stack) >= MAX_DEPTH:
            raise ContentError(Code.HOSTILE_CONTENT, f"elements are nested deeper than {MAX_DEPTH}")
        element = _Element(name)
        if self._stack:
            self._stack[-1].has_children = True
            self._stack[-1].text.clear()
            self._place(element, self._stack[-1].name)
        if attributes and name == self._holder:
            self._note_count(attributes)
        self._stack.append(element)

    def data(self, text: str) -> None:
        if self._stack:
            self._stack[-1].text.append(text)

    def end(self, tag: str) -> None:
        name = lower(tag)
        if not self._stack or self._stack[-1].name != name:
            self._close_up_to(name)
        if self._stack and self._stack[-1].name == name:
            self._finish(self._stack.pop())

    def close(self) -> None:
        """Return nothing: lxml calls this even after half a document."""

    def finish(self) -> None:
        """Close the elements that are still open: the document is cut off."""
        self.is_torn = self.is_torn or bool(self._stack)
        while self._stack:
            self._leave(self._stack.pop())

    # ------------------------------------------------------------ keeping the stack

    def _place(self, element: _Element, parent: str) -> None:
        if self._row_depth is None:
            if element.name == self._row:
                self._row_depth = len(self._stack)
                self.begun += 1
                element.is_record = True
            return
        position = (parent, element.name)
        record = next(element for element in reversed(self._stack) if element.is_record)
        is_group = position in self._nested.groups and record.name == self._row
        is_item = position in self._nested.items | self._nested.gifts and not record.is_item
        element.is_record, element.is_item = is_group or is_item, is_item

    def _close_up_to(self, name: str) -> None:
        """Close the elements that should have ended before; an end tag without a start is ignored."""
        self.is_torn = True
        if self._row_depth is not None:
            self._drop_torn_row()
        if any(element.name == name for element in self._stack):
            while self._stack[-1].name != name:
                self._leave(self._stack.pop())

    def _drop_torn_row(self) -> None:
        self.is_torn = True
        del self._stack[self._row_depth :]
        self._row_depth = None
        self._unknown_in_row.clear()

    def _note_count(self, attributes: Mapping[str, str]) -> None:
        for key, value in attributes.items():
            if (
                lower(key) == "count"
                and value.isascii()
                and value.isdigit()
                and len(value) <= MAX_COUNT_DIGITS
            ):
                self.declared = (self.declared or 0) + int(value)

    # ------------------------------------------------------------ elements

    def _finish(self, element: _Element) -> None:
        if len(self._stack) == self._row_depth:
            self._row_depth = None
            self._add_row(element)
        elif self._row_depth is None:
            self._finish_around(element)
        elif element.is_item:
            is_gift = (self._stack[-1].name, element.name) in self._nested.gifts
            self._stack[-1].items.append((is_gift, element))
        elif element.is_record:
            self._stack[-1].groups.append(element)
        elif element.has_children:
            self._stack[-1].take(element)
            if element.name in self._nested.containers:
                self._note_field(element)
        else:
            self._note_field(element)

    def _note_field(self, element: _Element) -> None:
        text = "".join(element.text)
        if not text.strip():
            return
        holders = iter(reversed(self._stack))
        holder = next(holders)
        while not holder.is_record and holder.name in self._nested.containers:
            holder = next(holders)
        is_known = holder.is_record and is_known_field(element.name, self._dialects, is_item=True)
        if is_known:
            clean = text if text.isprintable() else CONTROL.sub(" ", text)
            self._stack[-1].values.setdefault(element.name, []).append(clean)
        else:
            self._unknown_in_row[self._spellings[element.name]] += 1

    def _finish_around(self, element: _Element) -> None:
        text = "".join(element.text)
        if element.has_children or not text.strip():
            self._leave(element)
        elif self._stack and element.name in self._dialects.known:
            clean = text if text.isprintable() else CONTROL.sub(" ", text)
            self._stack[-1].values.setdefault(element.name, []).append(clean)
        else:
            self.unknown[self._spellings[element.name]] += 1

    def _leave(self, element: _Element) -> None:
        """Use the fields of an element outside rows; those of an incomplete row are dropped."""
        if self._row_depth is not None:
            if len(self._stack) == self._row_depth:
                self._row_depth = None
                self._unknown_in_row.clear()
            return
        for name, value in select_columns(element.values, self._dialects.header).items():
            self.header.setdefault(name, value)

    # ------------------------------------------------------------ rows

    def _add_row(self, row: _Element) -> None:
        self.unknown += self._unknown_in_row
        self._unknown_in_row.clear()
        position = {ROW_NUMBER: self.begun}
        self.rows.append(position | self._terms(row))
        self._add_items(row, position)
        own = select_columns(row.values, self._nested.item_columns)
        if CODE in own:
            self.items.append(position | {IS_GIFT: False} | own)
        else:
            self._note_misplaced(row)
        for group in row.groups:
            inside = position | {GROUP: len(self.groups) + 1}
            self.groups.append(inside | self._terms(group))
            self._note_misplaced(group)
            self._add_items(group, inside)

    def _add_items(self, holder: _Element, position: dict[str, int]) -> None:
        for is_gift, item in holder.items:
            own = select_columns(item.values, self._nested.item_columns)
            self.items.append(position | {IS_GIFT: is_gift} | own | self._terms(item))

    def _terms(self, element: _Element) -> dict[str, str]:
        return select_columns(element.values, self._dialects.columns, self._nested.repeated)

    def _note_misplaced(self, element: _Element) -> None:
        """Report fields of items that stand outside any item."""
        for tag in element.values:
            if not is_known_field(tag, self._dialects, is_item=False):
                self.unknown[self._spellings[tag]] += 1
