"""The first reader of promotions: rows, groups and items as tables of text, from the markup of a document.

Like `fast` it reads what is whole and regular, and leaves what is torn, repeated or in an unexpected place
to `promotions_careful`. What a field is follows from its path, such as
`Groups/Group/PromotionItems/Item/MinQty`; a document has some fifty different ones, whatever its length.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import polars as pl

from gogobe_dagster.parsing.dialects import local
from gogobe_dagster.parsing.fast.byte_views import CannotRead, Numbers
from gogobe_dagster.parsing.fast.element_paths import Path, nest
from gogobe_dagster.parsing.fast.promotion_paths import ROW, PromotionShape
from gogobe_dagster.parsing.fast.reader import first_said
from gogobe_dagster.parsing.fast.row_boundaries import Around, Places
from gogobe_dagster.parsing.fast.separator_matching import Kind
from gogobe_dagster.parsing.fast.string_views import Texts, records_of
from gogobe_dagster.parsing.fast.tokenizer import Markup, read_markup
from gogobe_dagster.parsing.layout_detection import Layout
from gogobe_dagster.parsing.promotions.raw import GROUP, IS_GIVEN, LINE, RawPromotions, nested_of
from gogobe_dagster.parsing.report import ROW_NUMBER

CODE: Final = "code"
RECORD: Final = "record"


def read_promotions_fast(xml: bytes, layout: Layout) -> RawPromotions:
    """Read a whole, regular piece.

    Raises `CannotRead` for any other, `ContentError` hostile_content for a hostile one.
    """
    markup = read_markup([xml])
    places = Places(markup, nest(markup), layout)
    around = Around(places)
    around.hear()
    records = _Records(places)
    (walk,) = around.walks
    return RawPromotions(
        reader="fast",
        header=walk.header,
        declared=walk.declared,
        rows=records.rows(),
        groups=records.groups(),
        items=records.items(),
        begun=len(places.rows),
        unknown=dict(walk.unknown + records.unknown()),
    )


class _Records:
    """Rows, groups and items of a piece."""

    def __init__(self, places: Places) -> None:
        """Raises `CannotRead` for records that hold nothing."""
        self._shape = PromotionShape(places.layout.dialects)
        self._nested = nested_of(places.layout.dialects)
        self._texts = Texts(places.markup)
        self._fields = dict(_by_path(places))
        self._starts = {ROW: places.rows, **self._inner_starts(places)}
        if self._has_empty(places.markup):
            raise CannotRead("odd_layout")

    def _inner_starts(self, places: Places) -> dict[Path, Numbers]:
        """Find the first texts of groups and items."""
        outer, changes = places.layout.path, places.nesting.changes
        opened = {path for one in changes for path in one.opened if path[: len(outer)] == outer}
        inner = sorted(path[len(outer) :] for path in opened)
        return {
            path: places.nesting.places_of((*outer, *path) in one.opened for one in changes)
            for path in inner
            if path and self._shape.record_of(path) == path
        }

    def _has_empty(self, markup: Markup) -> bool:
        """Whether a group or an item holds no field: nobody would see it."""
        names = {name for _, name in self._nested.places}
        is_empty = any(
            tag.kind is Kind.EMPTY and local(tag.name).lower() in names
            for separator in markup.separators
            for tag in separator.tags
        )
        return is_empty or any(self._shape.record_of(field) == field for field in self._fields)

    # ------------------------------------------------------------ tables

    def rows(self) -> pl.DataFrame:
        """Return what promotions say themselves."""
        return pl.DataFrame([self._row_numbers(self._starts[ROW]), *self._terms(ROW)])

    def groups(self) -> pl.DataFrame:
        """Return what groups say themselves. Raises `CannotRead` for groups of several sorts."""
        groups = [record for record in self._starts if record and self._shape.is_group(record)]
        if len(groups) > 1:
            raise CannotRead("repeated_groups")
        starts = self._starts[groups[0]] if groups else np.zeros(0, np.int64)
        numbers = pl.Series(GROUP, np.arange(1, len(starts) + 1, dtype=np.int32))
        terms = self._terms(groups[0]) if groups else []
        return pl.DataFrame([self._row_numbers(starts), numbers, *terms])

    def items(self) -> pl.DataFrame:
        """Return what items say themselves; rows with a code of their own are items too."""
        tables = [self._rows_as_items()]
        tables += [self._items(record) for record in self._starts if self._shape.is_item(record)]
        found = pl.concat([one for one in tables if len(one)] or tables[:1], how="diagonal")
        return found if len(tables) == 1 else found.sort(ROW_NUMBER, maintain_order=True)

    def unknown(self) -> Counter[str]:
        """Count what fields say that nobody reads."""
        counts = Counter[str]()
        for field in self._fields:
            record = self._shape.record_of(field)
            if not self._shape.is_read(field, as_item=True):
                counts[local(field[-1])] += int(self._says(field).sum())
            elif not self._shape.is_item(record) and not self._shape.is_read(field, as_item=False):
                is_said = np.zeros(len(self._starts[record]), np.bool_)
                is_said[records_of(self._fields[field], self._starts[record])[self._says(field)]] = True
                if not record:
                    is_said &= ~self._has_code()
                counts[local(field[-1])] += int(is_said.sum())
        return +counts

    def _says(self, field: Path) -> Numbers:
        return _says_something(self._texts.column(self._fields[field]))

    # ------------------------------------------------------------ records

    def _row_numbers(self, starts: Numbers) -> pl.Series:
        numbers = np.searchsorted(self._starts[ROW], starts, side="right")
        return pl.Series(ROW_NUMBER, numbers.astype(np.int32))

    def _rows_as_items(self) -> pl.DataFrame:
        """Take rows with a code of their own for items: a flat row an item, as Matrix writes."""
        starts = self._starts[ROW]
        nothing = [pl.Series(GROUP, [None], pl.Int32), pl.Series(IS_GIVEN, [False])]
        alike = [one.new_from_index(0, len(starts)) for one in nothing]
        rows = pl.DataFrame([self._row_numbers(starts), *alike, *self._own(ROW)])
        return rows.filter(pl.Series(self._has_code()))

    def _has_code(self) -> Numbers:
        codes = [column for column in self._own(ROW) if column.name == CODE]
        return _says_something(codes[0]) if codes else np.zeros(len(self._starts[ROW]), np.bool_)

    def _items(self, record: Path) -> pl.DataFrame:
        starts = self._starts[record]
        is_given = pl.Series(IS_GIVEN, [self._shape.is_given(record)]).new_from_index(0, len(starts))
        columns = [self._group_of(record), is_given, *self._own(record), *self._terms(record)]
        return pl.DataFrame([self._row_numbers(starts), *columns])

    def _group_of(self, record: Path) -> pl.Series:
        """Number the groups that items stand in, from 1."""
        starts = self._starts[record]
        around = [one for one in self._starts if self._shape.is_group(one) and record[: len(one)] == one]
        if not around:
            return pl.Series(GROUP, [None], pl.Int32).new_from_index(0, len(starts))
        numbers = np.searchsorted(self._starts[around[0]], starts, side="right")
        return pl.Series(GROUP, numbers.astype(np.int32))

    # ------------------------------------------------------------ columns

    def _own(self, record: Path) -> list[pl.Series]:
        """Return what is said of an item and of nothing else."""
        sources = self._shape.sources(self._fields_of(record), self._nested.item_columns)
        return [self._first(fields).alias(column) for column, fields in sources.items()]

    def _terms(self, record: Path) -> list[pl.Series]:
        """Return the terms that a record says itself."""
        sources = self._shape.sources(self._fields_of(record), self._shape.dialects.columns)
        return [
            (self._all if column in self._nested.repeated else self._first)(fields).alias(column)
            for column, fields in sources.items()
        ]

    def _fields_of(self, record: Path) -> list[Path]:
        return [field for field in self._fields if self._shape.record_of(field) == record]

    def _first(self, fields: Sequence[tuple[int, Path]]) -> pl.Series:
        """Take the first that says something. Raises `CannotRead` where two alike do."""
        columns = [self._column(field) for _, field in fields]
        ranks = [rank for rank, _ in fields]
        if len(set(ranks)) < len(ranks):
            said = np.sum([_says_something(column) for column in columns], axis=0)
            if (said > 1).any():
                raise CannotRead("repeated_field")
        return first_said(columns)

    def _column(self, field: Path) -> pl.Series:
        return self._texts.column_of(self._fields[field], self._starts[self._shape.record_of(field)])

    def _all(self, fields: Sequence[tuple[int, Path]]) -> pl.Series:
        """Take all that say something, a line each."""
        starts = self._starts[self._shape.record_of(fields[0][1])]
        places = np.concatenate([self._fields[field] for _, field in fields])
        ranks = np.concatenate([np.full(len(self._fields[field]), rank) for rank, field in fields])
        lines = pl.DataFrame({RECORD: records_of(places, starts), "rank": ranks, "place": places})
        lines = lines.with_columns(self._texts.column(places).alias("line"))
        lines = lines.filter(pl.col("line").str.strip_chars() != "").sort(RECORD, "rank", "place")
        texts = lines.group_by(RECORD, maintain_order=True).agg(pl.col("line").str.join(LINE))
        every = pl.DataFrame({RECORD: np.arange(len(starts))})
        return every.join(texts, on=RECORD, how="left", maintain_order="left")["line"]


def _by_path(places: Places) -> Iterator[tuple[Path, Numbers]]:
    """Yield the fields inside rows by their paths from the row on, with their texts."""
    markup, depth = places.markup, len(places.layout.path)
    changes = places.nesting.changes
    number = len(markup.separators)
    fields_of: dict[Path, int] = {}
    seen = places.nesting.spread(range(len(changes)), len(markup)) * number + markup.which
    fields = np.zeros(len(changes) * number, np.uint16)
    for one in np.flatnonzero(np.bincount(seen[places.are_inside])).tolist():
        change, separator = changes[one // number], markup.separators[one % number]
        if separator.opened:
            path = (*change.after[depth:], separator.opened)
            fields[one] = fields_of.setdefault(path, len(fields_of) + 1)
    found = np.where(places.are_inside, fields[seen], 0)
    order = np.argsort(found, kind="stable")
    sizes = np.bincount(found, minlength=len(fields_of) + 1)
    yield from zip(fields_of, np.split(order, np.cumsum(sizes)[:-1])[1:], strict=True)


def _says_something(texts: pl.Series) -> Numbers:
    return (texts.str.strip_chars() != "").fill_null(value=False).to_numpy()
