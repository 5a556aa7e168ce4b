"""The fast reader of promotions: rows, groups and items as tables of text, from the tokens of a document.

Like `reader` it takes complete, regular documents and leaves what is torn, repeated or in an unexpected
position to lxml. What a field is follows from its path, such as `Groups/Group/PromotionItems/Item/MinQty`; a
document has some fifty different paths, whatever its length.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import polars as pl

from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.dialects import local
from gogobe_dagster.parsing.fast.byte_views import NDArray, NotRegular
from gogobe_dagster.parsing.fast.element_paths import Path, find_paths
from gogobe_dagster.parsing.fast.promotion_paths import ROW, PromotionPaths
from gogobe_dagster.parsing.fast.reader import coalesce_nonblank
from gogobe_dagster.parsing.fast.row_boundaries import OutsideRows, RowBoundaries
from gogobe_dagster.parsing.fast.separator_matching import Kind
from gogobe_dagster.parsing.fast.string_views import DecodedTexts, record_indexes
from gogobe_dagster.parsing.fast.tokenizer import Tokens, tokenize
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.promotions.raw import (
    GROUP,
    IS_GIFT,
    LINE,
    RawDocument,
    RawPromotions,
    nested_layout,
)
from gogobe_dagster.parsing.report import ROW_NUMBER, Reader

CODE: Final = "code"
RECORD: Final = "record"


def read_promotions_fast(documents: Sequence[bytes | memoryview], layout: Layout) -> RawPromotions:
    """Read complete, regular documents, or a chunk of one, as if they were one document.

    Raises `NotRegular` if any of them is not, `ContentError` (hostile_content) if any is hostile.
    """
    tokens = tokenize(documents)
    boundaries = RowBoundaries(tokens, find_paths(tokens), layout)
    lengths = np.diff(np.searchsorted(tokens.starts[boundaries.rows], tokens.bounds)).tolist()
    outside = OutsideRows(boundaries)
    outside.replay()
    records = _Records(boundaries)
    around = zip(outside.targets, lengths, records.unknown(lengths), strict=True)
    return RawPromotions(
        reader=Reader.FAST,
        documents=[
            RawDocument(
                header=target.header,
                declared=target.declared,
                begun=length,
                unknown=dict(target.unknown + unknown),
            )
            for target, length, unknown in around
        ],
        rows=records.rows(),
        groups=records.groups(),
        items=records.items(),
    )


class _Records:
    """Rows, groups and items of a chunk."""

    def __init__(self, boundaries: RowBoundaries) -> None:
        """Raises `NotRegular` for records that hold nothing."""
        self._paths = PromotionPaths(boundaries.layout.dialects)
        self._nested = nested_layout(boundaries.layout.dialects)
        self._texts = DecodedTexts(boundaries.tokens)
        self._fields = dict(_group_by_path(boundaries))
        self._starts = {ROW: boundaries.rows, **self._inner_starts(boundaries)}
        if self._has_empty(boundaries.tokens):
            raise NotRegular(Note.UNEXPECTED_LAYOUT)

    def _inner_starts(self, boundaries: RowBoundaries) -> dict[Path, NDArray]:
        """Find the first texts of groups and items."""
        outer, changes = boundaries.layout.path, boundaries.paths.changes
        opened = {path for change in changes for path in change.opened if path[: len(outer)] == outer}
        inner = sorted(path[len(outer) :] for path in opened)
        return {
            path: boundaries.paths.texts_where((*outer, *path) in change.opened for change in changes)
            for path in inner
            if path and self._paths.record_of(path) == path
        }

    def _has_empty(self, tokens: Tokens) -> bool:
        """Whether a group or an item has no field: it would be neither read nor reported."""
        names = {name for _, name in self._nested.places}
        is_empty = any(
            tag.kind is Kind.EMPTY and local(tag.name).lower() in names
            for separator in tokens.separators
            for tag in separator.tags
        )
        return is_empty or any(self._paths.record_of(field) == field for field in self._fields)

    # ------------------------------------------------------------ tables

    def rows(self) -> pl.DataFrame:
        """Return the fields of promotions themselves."""
        return pl.DataFrame([self._row_numbers(self._starts[ROW]), *self._terms(ROW)])

    def groups(self) -> pl.DataFrame:
        """Return the fields of groups themselves. Raises `NotRegular` if they stand in several places."""
        groups = [record for record in self._starts if record and self._paths.is_group(record)]
        if len(groups) > 1:
            raise NotRegular(Note.REPEATED_GROUPS)
        starts = self._starts[groups[0]] if groups else np.zeros(0, np.int64)
        numbers = pl.Series(GROUP, np.arange(1, len(starts) + 1, dtype=np.int32))
        terms = self._terms(groups[0]) if groups else []
        return pl.DataFrame([self._row_numbers(starts), numbers, *terms])

    def items(self) -> pl.DataFrame:
        """Return the fields of items themselves; rows with a code of their own are items too."""
        tables = [self._rows_as_items()]
        tables += [self._items(record) for record in self._starts if self._paths.is_item(record)]
        found = pl.concat([table for table in tables if len(table)] or tables[:1], how="diagonal")
        return found if len(tables) == 1 else found.sort(ROW_NUMBER, maintain_order=True)

    def unknown(self, lengths: Sequence[int]) -> list[Counter[str]]:
        """Count for each document the fields with text that no column reads; `lengths` are its rows."""
        counts = [Counter[str]() for _ in lengths]
        document_of = np.repeat(np.arange(len(lengths)), lengths)
        for field in self._fields:
            rows = document_of[self._rows_of(self._unread(field))]
            for document, number in enumerate(np.bincount(rows).tolist()):
                counts[document][local(field[-1])] += number
        return [+count for count in counts]

    def _unread(self, field: Path) -> NDArray:
        """Return the indexes of the texts of a field that no column reads; of several in a record one."""
        record, indexes = self._paths.record_of(field), self._fields[field]
        if not self._paths.is_read(field, as_item=True):
            return indexes[self._has_text(field)]
        if self._paths.is_item(record) or self._paths.is_read(field, as_item=False):
            return indexes[:0]
        starts = self._starts[record]
        records = np.unique(record_indexes(indexes, starts)[self._has_text(field)])
        found: NDArray = starts[records if record else records[~self._has_code()[records]]]
        return found

    def _rows_of(self, texts: NDArray) -> NDArray:
        """Return for each text the index of its row: the last one that starts before it."""
        return record_indexes(texts, self._starts[ROW])

    def _has_text(self, field: Path) -> NDArray:
        return is_nonblank(self._texts.column(self._fields[field]))

    # ------------------------------------------------------------ records

    def _row_numbers(self, starts: NDArray) -> pl.Series:
        return pl.Series(ROW_NUMBER, (self._rows_of(starts) + 1).astype(np.int32))

    def _rows_as_items(self) -> pl.DataFrame:
        """Return rows with an item code as items: the layout with one flat row per item."""
        starts = self._starts[ROW]
        no_group = [pl.Series(GROUP, [None], pl.Int32), pl.Series(IS_GIFT, [False])]
        constants = [value.new_from_index(0, len(starts)) for value in no_group]
        rows = pl.DataFrame([self._row_numbers(starts), *constants, *self._own(ROW)])
        return rows.filter(pl.Series(self._has_code()))

    def _has_code(self) -> NDArray:
        codes = [column for column in self._own(ROW) if column.name == CODE]
        return is_nonblank(codes[0]) if codes else np.zeros(len(self._starts[ROW]), np.bool_)

    def _items(self, record: Path) -> pl.DataFrame:
        starts = self._starts[record]
        is_gift = pl.Series(IS_GIFT, [self._paths.is_gift_by_position(record)]).new_from_index(0, len(starts))
        columns = [self._group_of(record), is_gift, *self._own(record), *self._terms(record)]
        return pl.DataFrame([self._row_numbers(starts), *columns])

    def _group_of(self, record: Path) -> pl.Series:
        """Return the number, from 1, of the group enclosing each item."""
        starts = self._starts[record]
        enclosing = [
            path for path in self._starts if self._paths.is_group(path) and record[: len(path)] == path
        ]
        if not enclosing:
            return pl.Series(GROUP, [None], pl.Int32).new_from_index(0, len(starts))
        numbers = np.searchsorted(self._starts[enclosing[0]], starts, side="right")
        return pl.Series(GROUP, numbers.astype(np.int32))

    # ------------------------------------------------------------ columns

    def _own(self, record: Path) -> list[pl.Series]:
        """Return the columns that only items have."""
        sources = self._paths.sources(self._fields_of(record), self._nested.item_columns)
        return [self._first(fields).alias(column) for column, fields in sources.items()]

    def _terms(self, record: Path) -> list[pl.Series]:
        """Return the terms that stand in a record itself."""
        sources = self._paths.sources(self._fields_of(record), self._paths.dialects.columns)
        return [
            (self._all if column in self._nested.repeated else self._first)(fields).alias(column)
            for column, fields in sources.items()
        ]

    def _fields_of(self, record: Path) -> list[Path]:
        return [field for field in self._fields if self._paths.record_of(field) == record]

    def _first(self, fields: Sequence[tuple[int, Path]]) -> pl.Series:
        """Coalesce spellings of one column. Raises `NotRegular` if two fields of one spelling have text."""
        columns = [self._column(field) for _, field in fields]
        ranks = [rank for rank, _ in fields]
        if len(set(ranks)) < len(ranks):
            has_text = np.sum([is_nonblank(column) for column in columns], axis=0)
            if (has_text > 1).any():
                raise NotRegular(Note.REPEATED_FIELD)
        return coalesce_nonblank(columns)

    def _column(self, field: Path) -> pl.Series:
        return self._texts.column_per_record(self._fields[field], self._starts[self._paths.record_of(field)])

    def _all(self, fields: Sequence[tuple[int, Path]]) -> pl.Series:
        """Join all fields that have text, one per line."""
        starts = self._starts[self._paths.record_of(fields[0][1])]
        indexes = np.concatenate([self._fields[field] for _, field in fields])
        ranks = np.concatenate([np.full(len(self._fields[field]), rank) for rank, field in fields])
        lines = pl.DataFrame({RECORD: record_indexes(indexes, starts), "rank": ranks, "index": indexes})
        lines = lines.with_columns(self._texts.column(indexes).alias("line"))
        lines = lines.filter(pl.col("line").str.strip_chars() != "").sort(RECORD, "rank", "index")
        texts = lines.group_by(RECORD, maintain_order=True).agg(pl.col("line").str.join(LINE))
        every = pl.DataFrame({RECORD: np.arange(len(starts))})
        return every.join(texts, on=RECORD, how="left", maintain_order="left")["line"]


def _group_by_path(boundaries: RowBoundaries) -> Iterator[tuple[Path, NDArray]]:
    """Yield the paths of fields from the row on, each with the indexes of its texts."""
    tokens, depth = boundaries.tokens, len(boundaries.layout.path)
    changes = boundaries.paths.changes
    number = len(tokens.separators)
    fields_of: dict[Path, int] = {}
    # A path and a separator together name a field. Both as one number: millions of texts have few pairs.
    seen = boundaries.paths.per_text(range(len(changes)), len(tokens)) * number + tokens.separator_ids
    fields = np.zeros(len(changes) * number, np.uint16)
    for pair in np.flatnonzero(np.bincount(seen[boundaries.is_inside])).tolist():
        change, separator = changes[pair // number], tokens.separators[pair % number]
        if separator.opened:
            path = (*change.after[depth:], separator.opened)
            fields[pair] = fields_of.setdefault(path, len(fields_of) + 1)
    # 0 is no field. A stable sort keeps document order within a field; `column_per_record` relies on it.
    found = np.where(boundaries.is_inside, fields[seen], 0)
    order = np.argsort(found, kind="stable")
    sizes = np.bincount(found, minlength=len(fields_of) + 1)
    yield from zip(fields_of, np.split(order, np.cumsum(sizes)[:-1])[1:], strict=True)


def is_nonblank(texts: pl.Series) -> NDArray:
    """Tell which texts are more than blanks; null is not."""
    return (texts.str.strip_chars() != "").fill_null(value=False).to_numpy()
