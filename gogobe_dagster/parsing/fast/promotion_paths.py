"""What an element inside a promotion is, by its path from the promotion on: a group, an item or a field.

The lxml reader finds this out element by element; here each different path is decided once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gogobe_dagster.parsing.dialects import Dialects, Nested, Place, local
from gogobe_dagster.parsing.fast.element_paths import Path
from gogobe_dagster.parsing.promotions.raw import is_known_field, nested_layout

ROW: Final[Path] = ()
"""The path of the promotion itself."""


@dataclass(frozen=True, slots=True)
class PromotionPaths:
    """Decides about paths inside promotions of one document type."""

    dialects: Dialects

    def record_of(self, path: Path) -> Path:
        """Return the innermost row, group or item that contains the path, or is it."""
        record = ROW
        # A record needs a parent below the row: a path of one tag is a field of the row.
        for end in range(2, len(path) + 1):
            if self._is_record(path[:end], record):
                record = path[:end]
        return record

    def is_group(self, record: Path) -> bool:
        """Whether a record is a group of items."""
        return place_of(record) in self._nested.groups

    def is_item(self, record: Path) -> bool:
        """Whether a record is an item."""
        return bool(record) and not self.is_group(record)

    def is_gift_by_position(self, record: Path) -> bool:
        """Whether an item is a gift by its position."""
        return place_of(record) in self._nested.gifts

    def is_read(self, field: Path, *, as_item: bool) -> bool:
        """Whether a field in this position is read, or ignored on purpose."""
        return self._is_in_known_containers(field) and is_known_field(
            tag_of(field), self.dialects, is_item=as_item
        )

    def sources(
        self, fields: list[Path], columns: Mapping[str, tuple[str, ...]]
    ) -> dict[str, list[tuple[int, Path]]]:
        """Return for each column its fields with the rank of their spelling, the preferred one first."""
        positioned = [field for field in fields if self._is_in_known_containers(field)]
        found = {
            column: sorted(
                (tags.index(tag_of(field)), field) for field in positioned if tag_of(field) in tags
            )
            for column, tags in columns.items()
        }
        return {column: ranked for column, ranked in found.items() if ranked}

    def _is_record(self, path: Path, parent: Path) -> bool:
        # Items are leaves: what looks like an item inside one is a field of it.
        if self.is_item(parent):
            return False
        place = place_of(path)
        if place in self._nested.groups:
            return parent == ROW
        return place in self._nested.items or place in self._nested.gifts

    def _is_in_known_containers(self, field: Path) -> bool:
        """Whether all elements between a field and its record are known to hold fields."""
        between = field[len(self.record_of(field)) : -1]
        return all(local(tag).lower() in self._nested.containers for tag in between)

    @property
    def _nested(self) -> Nested:
        return nested_layout(self.dialects)


def place_of(path: Path) -> Place:
    """Return the parent and the element, spelled as in the tables of dialects."""
    parent = path[-2] if len(path) > 1 else ""
    return local(parent).lower(), local(path[-1] if path else "").lower()


def tag_of(field: Path) -> str:
    """Return the tag of a field, spelled as in the tables of dialects."""
    return local(field[-1]).lower()
