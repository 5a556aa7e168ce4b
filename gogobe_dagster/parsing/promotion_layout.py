"""Where everything stands inside a promotion, in a document's own spelling; found by looking at some rows.

Fields are known by their path from the promotion, such as `Groups/Group/PromotionItems/PromotionItem/MinQty`.
It promises nothing about rows that it did not look at: `promotions_fast` checks that it read every element.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from lxml import etree

from gogobe_dagster.parsing.dialects import Dialects, Nested
from gogobe_dagster.parsing.promotion_text import is_read_inside, nested_of
from gogobe_dagster.parsing.sniffing import Layout

Path = tuple[str, ...]
SAMPLE: Final = 1 << 15
FEW_TAGS: Final = 64


@dataclass(frozen=True, kw_only=True)  # without slots, for the cached properties
class PromotionLayout:
    """The fields inside a promotion; equal layouts share a parser."""

    outer: Layout
    leaves: tuple[Path, ...]
    """Paths of fields from the promotion on, in the order in which they were seen."""

    @cached_property
    def records(self) -> tuple[Path, ...]:
        """Paths of what repeats: the promotion itself, empty, then groups, then items."""
        nested = self._nested
        found = dict.fromkeys(
            leaf[: end + 1]
            for leaf in self.leaves
            for end in range(len(leaf))
            if _is_record(leaf, end, nested)
        )
        return ((), *sorted(found, key=len))

    @cached_property
    def lists(self) -> tuple[tuple[Path, Path], ...]:
        """Return what holds the values of repeated columns: the record, and the holder's path in it."""
        return tuple((record, holder) for record in self.records for holder in self.lists_of(record))

    def fields_of(self, record: Path) -> list[Path]:
        """Return the fields of one record, by their paths from it."""
        return self._fields[record]

    def lists_of(self, record: Path) -> dict[Path, list[Path]]:
        """Return the fields that may stand several times, by what holds them."""
        found: dict[Path, list[Path]] = {}
        for field in self.fields_of(record):
            is_listed = field[-1].lower() in self._repeated_tags
            if len(field) > 1 and is_listed and self._is_placed(field):
                found.setdefault(field[:-1], []).append(field)
        return found

    def single_fields_of(self, record: Path) -> list[Path]:
        """Return the other fields."""
        listed = {field for fields in self.lists_of(record).values() for field in fields}
        return [field for field in self.fields_of(record) if field not in listed]

    def is_group(self, record: Path) -> bool:
        """Whether the record is a group of items."""
        return tuple(tag.lower() for tag in record[-2:]) in self._nested.groups

    def is_given(self, record: Path) -> bool:
        """Whether the record is a gift by where it stands."""
        return tuple(tag.lower() for tag in record[-2:]) in self._nested.gifts

    @cached_property
    def _fields(self) -> dict[Path, list[Path]]:
        fields: dict[Path, list[Path]] = {record: [] for record in self.records}
        # what holds fields in one promotion may hold text in another: Bina's Remarks
        for leaf in dict.fromkeys((*self.leaves, *self._known_wrappers)):
            record = _record_of(leaf, self._nested)
            fields[record].append(leaf[len(record) :])
        return fields

    @property
    def _known_wrappers(self) -> list[Path]:
        inside = dict.fromkeys(leaf[:end] for leaf in self.leaves for end in range(1, len(leaf)))
        return [path for path in inside if path[-1].lower() in self._nested.containers]

    @property
    def is_odd(self) -> bool:
        """Whether a field holds elements and is nothing that may, or records hold others of their kind."""
        kinds = {
            tuple(self.is_group(one) for one in self.records if one and record[: len(one)] == one)
            for record in self.records
        }
        if not kinds <= {(), (True,), (False,), (True, False)}:
            return True
        held = {leaf[:end] for leaf in self.leaves for end in range(1, len(leaf))}
        return any(leaf[-1].lower() not in self._nested.containers for leaf in held.intersection(self.leaves))

    def _is_placed(self, field: Path) -> bool:
        return all(tag.lower() in self._nested.containers for tag in field[:-1])

    @property
    def _nested(self) -> Nested:
        return nested_of(self.outer.dialects)

    @property
    def _repeated_tags(self) -> set[str]:
        columns = self.outer.dialects.columns
        return {tag for column in self._nested.repeated for tag in columns[column]}

    @cached_property
    def structure(self) -> frozenset[str]:
        """Tags of everything that holds elements, also around the rows."""
        return self.wrappers.union(self.outer.path, (record[-1] for record in self.records if record))

    @cached_property
    def wrappers(self) -> frozenset[str]:
        """Tags of what holds elements inside a promotion and is no record."""
        inside = {leaf[:end] for leaf in self.leaves for end in range(1, len(leaf))}
        return frozenset(path[-1] for path in inside.difference(self.records))

    def with_rows(self, rows: Iterable[bytes]) -> "PromotionLayout":
        """Add what these rows hold. Raises `XMLSyntaxError` for rows that are no XML."""
        found = _Leaves(self.leaves, depth=0)
        for row in rows:
            etree.fromstring(row, _parser(found))
        return PromotionLayout(outer=self.outer, leaves=tuple(found.leaves))

    def with_all(self, xml: bytes) -> "PromotionLayout":
        """Add what any row of a document holds. Raises `XMLSyntaxError` for what is no XML."""
        found = _Leaves(self.leaves, depth=len(self.outer.path) - 1)
        etree.fromstring(xml, _parser(found))
        return PromotionLayout(outer=self.outer, leaves=tuple(found.leaves))


class _Leaves:
    """Hears rows as events: the tree of a promotion of 35,000 items would take 50 MB."""

    def __init__(self, known: Iterable[Path], *, depth: int) -> None:
        self.leaves = dict.fromkeys(known)
        self._depth = depth
        self._stack: list[str] = []
        self._deepest = 0

    def start(self, tag: str, _attributes: object) -> None:
        self._stack.append(tag)
        self._deepest = len(self._stack)

    def end(self, _tag: str) -> None:
        if self._deepest == len(self._stack) > self._depth + 1:
            self.leaves.setdefault(tuple(self._stack[self._depth + 1 :]))
        self._stack.pop()

    def data(self, text: str) -> None:
        """Values mean nothing here."""

    def close(self) -> None:
        """Nothing is built."""


def is_read(field: Path, dialects: Dialects, *, is_item: bool) -> bool:
    """Whether the field is read, or left out on purpose, where it stands."""
    containers = nested_of(dialects).containers
    is_placed = all(tag.lower() in containers for tag in field[:-1])
    return is_placed and is_read_inside(field[-1].lower(), dialects, is_item=is_item)


def sampled_rows(xml: bytes, outer: Layout) -> Iterator[bytes]:
    """Cut out rows from the start, the middle and the end; of very long ones only the first."""
    start, end = _marks(outer)
    is_first = True
    for place in (0, len(xml) // 2, len(xml) - SAMPLE):
        window_end = max(place, 0) + SAMPLE
        at = xml.find(start, max(place, 0))
        while -1 < at < window_end:
            stop = xml.find(end, at) + len(end)
            if stop < len(end):
                return
            if is_first or stop - at < SAMPLE:
                yield xml[at:stop]
            is_first = False
            at = xml.find(start, stop)


def rows_with(tags: Iterable[str], xml: bytes, outer: Layout) -> Iterator[bytes]:
    """Cut out the first row that has each of these tags."""
    start, end = _marks(outer)
    for tag in sorted(tags)[:FEW_TAGS]:
        at = xml.find(b"<" + tag.encode())
        first, stop = xml.rfind(start, 0, max(at, 0)), xml.find(end, max(at, 0))
        if first >= 0 and stop >= 0:
            yield xml[first : stop + len(end)]


def _marks(outer: Layout) -> tuple[bytes, bytes]:
    tag = outer.path[-1].encode()
    return b"<" + tag + b">", b"</" + tag + b">"


def _parser(target: Any) -> etree.XMLParser:
    return etree.XMLParser(target=target, resolve_entities=False, no_network=True)


def _is_record(path: Path, end: int, nested: Nested) -> bool:
    return end > 0 and (path[end - 1].lower(), path[end].lower()) in nested.places


def _record_of(leaf: Path, nested: Nested) -> Path:
    ends = [end for end in range(1, len(leaf) - 1) if _is_record(leaf, end, nested)]
    return leaf[: ends[-1] + 1] if ends else ()
