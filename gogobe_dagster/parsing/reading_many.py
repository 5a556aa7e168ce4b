"""Read many files as `reading` reads each; small ones of one layout share what a file costs at any size.

A delta of twenty rows is read in a tenth of a millisecond, and setting up the columns of the model takes
three: so the text of many is put one below the other and brought to the model at once. Whatever is not small,
whole and regular is read on its own.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from gogobe_dagster.errors import ContentError
from gogobe_dagster.files.content import Opened, open_content
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.account import unread
from gogobe_dagster.parsing.fast import (
    CannotRead,
    declared,
    first_said,
    frame_of,
    header_of,
    plan_of,
    read_tables,
)
from gogobe_dagster.parsing.normalise import normalise_many
from gogobe_dagster.parsing.reading import ParsedFile, as_parsed, read_large, read_opened
from gogobe_dagster.parsing.report import ROW_NUMBER, RawRows
from gogobe_dagster.parsing.sniffing import Layout, sniff, tags_in_order

SMALL: Final = 1 << 17
"""Bytes of a document: about 150 rows."""
FILES_AT_ONCE: Final = 200
ROWS_AT_ONCE: Final = 50_000
LAYOUTS_REMEMBERED: Final = 64

Outcome = ParsedFile | ContentError


def read_files(files: Iterable[tuple[str, bytes | ContentError]], *, limit: int) -> Iterator[Outcome]:
    """Read files, names and bytes as served; yield what became of each, in their order.

    An error in place of bytes is handed through. `limit` is the most bytes that one may unpack to.
    """
    waiting: list[Outcome | _Small] = []
    rows = 0
    for name, data in files:
        begun = _begin(data, name, limit)
        waiting.append(begun)
        rows += len(begun.rows) if isinstance(begun, ParsedFile) else 0
        if len(waiting) == FILES_AT_ONCE or rows > ROWS_AT_ONCE:
            yield from _finish(waiting)
            waiting, rows = [], 0
    yield from _finish(waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Small:
    """A small document whose text is read and waits for others of its layout."""

    opened: Opened
    layout: Layout
    raw: RawRows
    rows: Any
    """A record batch of text."""


def _begin(data: bytes | ContentError, name: str, limit: int) -> Outcome | _Small:
    if isinstance(data, ContentError):
        return data
    try:
        if (large := read_large(data, name=name, limit=limit)) is not None:
            return large
        opened = open_content(data, name=name, limit=limit)
        is_regular = len(opened.xml) <= SMALL and not opened.damaged
        return (_read_small(opened) if is_regular else None) or read_opened(opened, name=name)
    except ContentError as error:
        return error


def _read_small(opened: Opened) -> _Small | None:
    """Read the text of a document of prices; None for what has to be read on its own."""
    layout = _layout_of(opened.xml)
    if layout is None or layout.dialects.document is not Document.PRICES:
        return None
    try:
        tables = read_tables(opened.xml, layout)
        if plan_of(layout).unknown or tables.levels or unread(opened.xml, layout, tables, thoroughly=False):
            _layouts().pop(tags_in_order(opened.xml), None)
            return None
    except CannotRead:
        return None
    raw = RawRows(
        reader="fast",
        dialects=layout.dialects,
        dialect=layout.dialect,
        rows=pl.DataFrame(),
        header=header_of(layout, tables),
        declared=declared(opened.xml, layout),
    )
    return _Small(opened=replace(opened, xml=b""), layout=layout, raw=raw, rows=tables.rows)


def _layout_of(xml: bytes) -> Layout | None:
    """Take the layout of the last document with these tags; were it another, the account would tell."""
    known, tags = _layouts(), tags_in_order(xml)
    if tags in known:
        return known[tags]
    layout = sniff(xml)
    if layout is not None:
        known[tags] = layout
        if len(known) > LAYOUTS_REMEMBERED:
            known.popitem(last=False)
    return layout


@cache
def _layouts() -> OrderedDict[tuple[bytes, ...], Layout]:
    return OrderedDict()


def _finish(waiting: Sequence[Outcome | _Small]) -> Iterator[Outcome]:
    by_layout: dict[Layout, list[_Small]] = {}
    for one in waiting:
        if isinstance(one, _Small):
            by_layout.setdefault(one.layout, []).append(one)
    done = {layout: _normalised(layout, files) for layout, files in by_layout.items()}
    for one in waiting:
        yield next(done[one.layout]) if isinstance(one, _Small) else one


def _normalised(layout: Layout, files: Sequence[_Small]) -> Iterator[ParsedFile]:
    rows = [one.rows.num_rows for one in files]
    table = pa.Table.from_batches([one.rows for one in files]).combine_chunks()
    raw = frame_of(table.to_batches()[0]).select(
        pl.Series(ROW_NUMBER, np.concatenate([np.arange(1, number + 1) for number in rows]), pl.Int32),
        *(
            first_said([pl.col(tag) for tag in tags]).alias(column)
            for column, tags in plan_of(layout).sources.items()
        ),
    )
    for one, normalised in zip(files, normalise_many(raw, rows, layout.dialects.document), strict=True):
        yield as_parsed(one.opened, one.raw, normalised)
