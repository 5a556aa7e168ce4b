"""What a reader found of promotions: rows, groups and items as tables of text, each with its place.

Which tag feeds which column is settled here for both readers, so that they cannot differ. What the text
means, and what becomes of rows that say the same, is in `offers`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from gogobe_dagster.parsing.dialects import MISPLACED, Dialects, Nested
from gogobe_dagster.parsing.report import ROW_NUMBER, ReaderName

GROUP: Final = "group"
IS_GIVEN: Final = "is_given"
LINE: Final = "\n"
"""Between the values of a repeated column; no value has one, control characters are blanks by then."""
PLACE: Final = {ROW_NUMBER: pl.Int32, GROUP: pl.Int32}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPromotions:
    """A document, or a piece of one, as text."""

    reader: ReaderName
    header: Mapping[str, str]
    declared: int | None
    rows: pl.DataFrame
    """`row_number`, from 1 in the piece, and what a promotion says itself."""
    groups: pl.DataFrame
    """`row_number`, `group` (numbered through the piece), and what a group says itself."""
    items: pl.DataFrame
    """`row_number`, `group` or null, `is_given` by where it stands, and what an item says itself."""
    begun: int
    """Rows that begin; those that do not end are not in `rows`."""
    unknown: Mapping[str, int]
    notes: tuple[str, ...] = ()
    damaged: bool = False


def nested_of(dialects: Dialects) -> Nested:
    """Return what stands inside a promotion."""
    assert dialects.nested is not None  # noqa: S101 - only promotions come here
    return dialects.nested


def is_read_inside(tag: str, dialects: Dialects, *, is_item: bool) -> bool:
    """Whether a field of a row or group, or of an item, is read or left out on purpose."""
    of_items = {name for tags in nested_of(dialects).item_columns.values() for name in tags}
    return tag in dialects.known or tag in (of_items if is_item else MISPLACED)


def picked(
    values: Mapping[str, list[str]], columns: Mapping[str, tuple[str, ...]], repeated: Iterable[str] = ()
) -> dict[str, str]:
    """Name what fields say as the columns do: of several spellings the first, of repeated ones all."""
    said: dict[str, str] = {}
    for column, tags in columns.items():
        found = [value for tag in tags for value in values.get(tag, ())]
        if found:
            said[column] = LINE.join(found) if column in repeated else found[0]
    return said
