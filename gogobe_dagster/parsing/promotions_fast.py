"""The first reader of promotions: xml2arrow, a table each for promotions, groups, items and lists of values.

Like `fast` it believes its own result only when it can account for every element: what is torn, repeated
or in an unexpected place is left to `promotions_careful`. One reader takes all the pieces of a document,
so that what it learned of the layout in one serves the next.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import polars as pl
from lxml import etree
from xml2arrow import Xml2ArrowError, XmlToArrowParser

from gogobe_dagster.parsing.account import marks
from gogobe_dagster.parsing.dialects import local
from gogobe_dagster.parsing.fast import (
    CONTROL,
    COUNT,
    END,
    HEAD,
    SPACE,
    CannotRead,
)
from gogobe_dagster.parsing.promotion_columns import Tables, frames_of, unknown_of
from gogobe_dagster.parsing.promotion_layout import Path, PromotionLayout, rows_with, sampled_rows
from gogobe_dagster.parsing.promotion_text import RawPromotions, picked
from gogobe_dagster.parsing.sniffing import Layout, tags_of


class FastPromotions:
    """Reads the pieces of one document, or many documents of one layout."""

    def __init__(self, outer: Layout) -> None:
        """Nothing is known yet of what is inside a promotion."""
        self._layout = PromotionLayout(outer=outer, leaves=())

    def read(self, xml: bytes) -> RawPromotions:
        """Read a whole, regular piece. Raises `CannotRead` for any other, and nothing else."""
        for layout in self._layouts(xml):
            tables = _parse(xml, layout)
            if not _unread(xml, layout, tables):
                return _raw(xml, layout, tables)
        raise CannotRead("unread_elements")

    def _layouts(self, xml: bytes) -> Iterator[PromotionLayout]:
        """Yield what is known, then what a closer look adds; later pieces begin with all of it."""
        try:
            if not self._layout.leaves:
                self._layout = self._layout.with_rows(sampled_rows(xml, self._layout.outer))
            yield self._layout
            before = self._layout
            known = {tag for leaf in before.leaves for tag in leaf}.union(before.outer.path)
            self._layout = before.with_rows(rows_with(tags_of(xml) - known, xml, before.outer))
            if self._layout != before:
                yield self._layout
            before, self._layout = self._layout, self._layout.with_all(xml)
            if self._layout != before:
                yield self._layout
        except etree.XMLSyntaxError as error:
            raise CannotRead("malformed") from error


# ---------------------------------------------------------------- xml2arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parser:
    xml2arrow: XmlToArrowParser
    records: tuple[Path, ...]
    lists: tuple[tuple[Path, Path], ...]
    """The record, and the path in it of what holds the values."""


def _parse(xml: bytes, layout: PromotionLayout) -> Tables:
    try:
        parser = _parser(layout)
        batches = parser.xml2arrow.parse(xml)
    except Xml2ArrowError as error:
        raise CannotRead("repeated_field" if "Duplicate" in str(error) else "malformed") from error
    except TypeError as error:
        raise CannotRead("malformed") from error
    if batches["head"].num_rows != 1:
        raise CannotRead("not_closed")
    return Tables(
        head=_text_frame(batches["head"]),
        records={record: _text_frame(batches[_name(record)]) for record in parser.records},
        lists={
            (record, holder): _text_frame(batches[_name((*record, *holder), "values")])
            for record, holder in parser.lists
        },
    )


def _text_frame(batch: Any) -> pl.DataFrame:
    """Give the batch to Polars, without control characters."""
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a record batch is never a series
    unclean = [name for name in batch.schema.names if _has_control_characters(batch.column(name))]
    return frame.with_columns(pl.col(name).str.replace_all(CONTROL, " ") for name in unclean)


def _has_control_characters(column: Any) -> bool:
    text = column.buffers()[-1] if str(column.type) == "string" else None
    return bool(text is not None and text.size and np.frombuffer(text, np.uint8).min() < SPACE)


@lru_cache(maxsize=256)
def _parser(layout: PromotionLayout) -> _Parser:
    """Make a parser; it takes its configuration from a file only. YAML reads JSON."""
    if any(":" in tag for tag in layout.outer.path) or any(
        "{" in tag for leaf in layout.leaves for tag in leaf
    ):
        raise CannotRead("odd_layout")
    if layout.is_odd:
        raise CannotRead("odd_layout")
    records, lists = layout.records, layout.lists
    outer = layout.outer
    head = [_field(tag, [*outer.path[:depth], tag]) for depth, tag in outer.around]
    tables = [_table("head", [], [], [*head, _field(END, [outer.path[0], END])])]
    tables += [_record_table(layout, record) for record in records]
    tables += [_list_table(layout, record, holder) for record, holder in lists]
    configuration = {"parser_options": {"trim_text": False}, "tables": tables}
    with tempfile.TemporaryDirectory() as folder:
        path = FilePath(folder) / "layout.json"
        path.write_text(json.dumps(configuration), encoding="utf-8")
        return _Parser(xml2arrow=XmlToArrowParser(path), records=records, lists=lists)


def _record_table(layout: PromotionLayout, record: Path) -> dict[str, Any]:
    at = [*layout.outer.path, *record]
    fields = [_field("/".join(field), [*at, *field]) for field in layout.single_fields_of(record)]
    # a table must have a field
    return _table(_name(record), at[:-1], _levels(layout, record), fields or [_field(END, [*at, END])])


def _list_table(layout: PromotionLayout, record: Path, holder: Path) -> dict[str, Any]:
    at = [*layout.outer.path, *record, *holder]
    fields = [
        _field("/".join(field), [*at[: -len(holder)], *field]) for field in layout.lists_of(record)[holder]
    ]
    return _table(_name((*record, *holder), "values"), at, [*_levels(layout, record), "value"], fields)


def _levels(layout: PromotionLayout, record: Path) -> list[str]:
    around = [one for one in layout.records if record[: len(one)] == one]
    return [
        "row" if not one else "item" if one == record and not layout.is_group(one) else "group"
        for one in around
    ]


def _name(record: Path, kind: str = "record") -> str:
    return "/".join((kind, *record))


def _table(name: str, path: list[str], levels: list[str], fields: list[dict[str, Any]]) -> dict[str, Any]:
    xml_path = HEAD + "/".join(local(step) for step in path)
    return {"name": name, "xml_path": xml_path, "levels": levels, "fields": fields}


def _field(name: str, path: list[str]) -> dict[str, Any]:
    xml_path = HEAD + "/".join(local(step) for step in path)
    return {"name": name, "xml_path": xml_path, "data_type": "Utf8", "nullable": True}


# ---------------------------------------------------------------- the account


def _unread(xml: bytes, layout: PromotionLayout, tables: Tables) -> int:
    """Count the elements that hold something and were not read, from counts over the bytes.

    An element is `<a>…</a>`, `<a></a>` or `<a/>`: two, two and one `<`. What holds elements is counted by
    its end tags; records are rows of tables, unless one is empty and might be a stranger among them.
    """
    less, self_closed, touching = marks(xml)
    elements, odd = divmod(less + self_closed, 2)
    values = sum(tables.values_outside(layout.structure))
    ends = {tag: xml.count(b"</" + tag.encode() + b">") for tag in layout.wrappers}
    if touching:
        touching -= sum(xml.count(b"></" + tag.encode() + b">") for tag in layout.structure)
    held = tables.records_by_tag(layout.outer)
    around = len(layout.outer.path) - 1
    if tables.has_empty_record():
        strangers = sum(abs(number - xml.count(b"</" + tag.encode() + b">")) for tag, number in held.items())
        odd += strangers
    return (
        abs(elements - around - sum(held.values()) - sum(ends.values()) - values - self_closed - touching)
        + odd
    )


# ---------------------------------------------------------------- text


def _raw(xml: bytes, layout: PromotionLayout, tables: Tables) -> RawPromotions:
    rows, groups, items = frames_of(layout, tables)
    said = {local(tag).lower(): [value] for tag in tables.head.columns if (value := _said(tables.head[tag]))}
    return RawPromotions(
        reader="fast",
        header=picked(said, layout.outer.dialects.header),
        declared=_declared(xml, layout.outer),
        rows=rows,
        groups=groups,
        items=items,
        begun=len(rows),
        unknown=unknown_of(layout, tables),
    )


def _said(values: pl.Series) -> str | None:
    return next((value for value in values if value and value.strip()), None)


def _declared(xml: bytes, outer: Layout) -> int | None:
    """Read the list's own count; xml2arrow does not see attributes there."""
    holder = re.search(b"<" + re.escape(outer.path[-2].encode()) + rb"(\s[^<>]*)?>", xml)
    count = COUNT.search(holder[1]) if holder and holder[1] else None
    return int(count[1]) if count else None
