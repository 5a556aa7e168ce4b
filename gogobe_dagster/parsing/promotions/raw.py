"""Promotions as a reader found them: rows, groups and items as tables of text, each with its position.

Which tag feeds which column is decided here for both readers, so that they cannot differ. What the text means
is in `terms`; how equal terms become one offer is in `offers`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from gogobe_dagster.parsing.dialects import MISPLACED, Dialects, Nested
from gogobe_dagster.parsing.report import ROW_NUMBER, Reader

GROUP: Final = "group"
IS_GIFT: Final = "is_gift_by_position"
LINE: Final = "\n"
"""Between the values of a repeated column. No value contains one: control characters have become blanks."""
POSITION: Final = {ROW_NUMBER: pl.Int32, GROUP: pl.Int32}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDocument:
    """What stands around the promotions of a document, or of a chunk of one."""

    header: Mapping[str, str]
    declared: int | None
    begun: int
    """Rows that begin; those that do not end are not in the tables."""
    unknown: Mapping[str, int]
    """Elements with text that no column reads, those inside promotions as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPromotions:
    """A chunk of a document, or several short documents read together, as text."""

    reader: Reader
    documents: Sequence[RawDocument]
    rows: pl.DataFrame
    """`row_number`, from 1 through all documents, and the fields of a promotion itself."""
    groups: pl.DataFrame
    """`row_number`, `group` (numbered through all documents), and the fields of a group itself."""
    items: pl.DataFrame
    """`row_number`, `group` or null, `is_gift_by_position`, and the fields of an item itself."""
    notes: tuple[str, ...] = ()
    damaged: bool = False


def nested_layout(dialects: Dialects) -> Nested:
    """Return the groups, items and gifts of promotions."""
    assert dialects.nested is not None  # noqa: S101 - only promotions come here
    return dialects.nested


def is_known_field(tag: str, dialects: Dialects, *, is_item: bool) -> bool:
    """Whether a field of a row or group, or of an item, is read or ignored on purpose."""
    item_tags = {name for tags in nested_layout(dialects).item_columns.values() for name in tags}
    return tag in dialects.known or tag in (item_tags if is_item else MISPLACED)


def select_columns(
    values: Mapping[str, list[str]], columns: Mapping[str, tuple[str, ...]], repeated: Iterable[str] = ()
) -> dict[str, str]:
    """Return the texts by column: the first of several spellings, all of a repeated column."""
    selected: dict[str, str] = {}
    for column, tags in columns.items():
        found = [value for tag in tags for value in values.get(tag, ())]
        if found:
            selected[column] = LINE.join(found) if column in repeated else found[0]
    return selected
