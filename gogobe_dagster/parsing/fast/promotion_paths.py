"""What stands where inside a promotion, by the path from it on: groups, items, fields; one answer a path.

The fast reader's half of what `promotions_careful` finds out element by element.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gogobe_dagster.parsing.dialects import Dialects, Nested, Place, local
from gogobe_dagster.parsing.fast.element_paths import Path
from gogobe_dagster.parsing.promotions.raw import is_read_inside, nested_of

ROW: Final[Path] = ()
"""The path of the promotion itself."""


@dataclass(frozen=True, slots=True)
class PromotionShape:
    """The shape of promotions in some dialects."""

    dialects: Dialects

    def record_of(self, path: Path) -> Path:
        """Return the innermost row, group or item that something stands in, or is."""
        record = ROW
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

    def is_given(self, record: Path) -> bool:
        """Whether an item is a gift by where it stands."""
        return place_of(record) in self._nested.gifts

    def is_read(self, field: Path, *, as_item: bool) -> bool:
        """Whether a field is read, or left out on purpose, where it stands."""
        return self._is_placed(field) and is_read_inside(tag_of(field), self.dialects, is_item=as_item)

    def sources(
        self, fields: list[Path], columns: Mapping[str, tuple[str, ...]]
    ) -> dict[str, list[tuple[int, Path]]]:
        """Return the fields that feed each column, the preferred spelling first, each with its rank."""
        placed = [field for field in fields if self._is_placed(field)]
        found = {
            column: sorted((tags.index(tag_of(field)), field) for field in placed if tag_of(field) in tags)
            for column, tags in columns.items()
        }
        return {column: ranked for column, ranked in found.items() if ranked}

    def _is_record(self, path: Path, around: Path) -> bool:
        if self.is_item(around):
            return False
        place = place_of(path)
        if place in self._nested.groups:
            return around == ROW
        return place in self._nested.items or place in self._nested.gifts

    def _is_placed(self, field: Path) -> bool:
        """Whether only elements that may hold fields stand between a field and its record."""
        between = field[len(self.record_of(field)) : -1]
        return all(local(tag).lower() in self._nested.containers for tag in between)

    @property
    def _nested(self) -> Nested:
        return nested_of(self.dialects)


def place_of(path: Path) -> Place:
    """Return an element and what it stands in, as the tables of dialects have them."""
    around = path[-2] if len(path) > 1 else ""
    return local(around).lower(), local(path[-1] if path else "").lower()


def tag_of(field: Path) -> str:
    """Return a field's tag, as the tables of dialects have it."""
    return local(field[-1]).lower()
