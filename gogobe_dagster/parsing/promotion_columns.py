"""From xml2arrow's tables to columns of text: which field feeds which column, at which record.

The fast reader's half of what `promotion_text.picked` is for the careful one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from gogobe_dagster.parsing.dialects import local
from gogobe_dagster.parsing.fast import CannotRead
from gogobe_dagster.parsing.promotion_layout import Path, PromotionLayout, is_read
from gogobe_dagster.parsing.promotion_text import GROUP, IS_GIVEN, LINE, PLACE, nested_of
from gogobe_dagster.parsing.report import ROW_NUMBER
from gogobe_dagster.parsing.sniffing import Layout

ROW_INDEX: Final = "<row>"
GROUP_INDEX: Final = "<group>"
CODE: Final = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What xml2arrow gave: fields by their path in the record, indices in angle brackets."""

    head: pl.DataFrame
    records: Mapping[Path, pl.DataFrame]
    lists: Mapping[tuple[Path, Path], pl.DataFrame]

    def values_outside(self, structure: frozenset[str]) -> Iterator[int]:
        """Count the values of each field, but of fields that hold elements elsewhere in the document."""
        for frame in (self.head, *self.records.values(), *self.lists.values()):
            for name in frame.columns:
                if name[0] != "<" and name.rpartition("/")[2] not in structure:
                    yield len(frame) - frame[name].null_count()

    def records_by_tag(self, outer: Layout) -> dict[str, int]:
        """Count records by their tag."""
        counts: dict[str, int] = {}
        for record, frame in self.records.items():
            tag = record[-1] if record else outer.path[-1]
            counts[tag] = counts.get(tag, 0) + len(frame)
        return counts

    def has_empty_record(self) -> bool:
        """Whether a record holds nothing at all: xml2arrow makes one of any child of a list."""
        return any(_has_empty(frame) for frame in self.records.values())


def _has_empty(frame: pl.DataFrame) -> bool:
    fields = [name for name in frame.columns if name[0] != "<"]
    if any(not frame[name].null_count() for name in fields):
        return False
    return bool(frame.select(pl.all_horizontal(pl.col(name).is_null() for name in fields).any()).item())


def frames_of(layout: PromotionLayout, tables: Tables) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return rows, groups and items with columns of the model.

    Raises `CannotRead` for groups in two lists.
    """
    items: list[pl.DataFrame] = []
    groups = pl.DataFrame(schema={**PLACE, ROW_INDEX: pl.UInt32, GROUP_INDEX: pl.UInt32})
    rows = pl.DataFrame(schema=PLACE)
    for record in layout.records:
        frame = tables.records[record]
        terms = _terms(layout, tables, record)
        if not record:
            rows = frame.select(_row_number(), *terms)
            items.append(_own_items(layout, frame))
        elif layout.is_group(record):
            groups = _groups(frame, terms, groups)
        else:
            items.append(_items(layout, record, frame, terms, groups))
    found = pl.concat(items, how="diagonal")
    if len(items) > 1:
        found = found.sort(ROW_NUMBER, maintain_order=True)
    return rows, groups.drop(ROW_INDEX, GROUP_INDEX, strict=False), found


def unknown_of(layout: PromotionLayout, tables: Tables) -> dict[str, int]:
    """Count what fields say that nobody reads."""
    dialects = layout.outer.dialects
    unknown: dict[str, int] = {}
    fields: list[tuple[pl.Series, Path, bool]] = [
        (tables.head[tag], (tag,), tag.lower() in dialects.known or tag[0] == "@")
        for tag in tables.head.columns
    ]
    for record in layout.records:
        frame, is_item = tables.records[record], _is_item(layout, record)
        own = _own_code(layout, frame) if not record else None
        for field in layout.single_fields_of(record):
            values = frame["/".join(field)]
            known = is_read(field, dialects, is_item=is_item)
            if not known and own is not None and is_read(field, dialects, is_item=True):
                values = values.filter(~own)
            fields.append((values, field, known))
    for values, field, known in fields:
        count = 0 if known else int((values.str.strip_chars() != "").sum())
        if count:
            unknown[local(field[-1])] = unknown.get(local(field[-1]), 0) + count
    return unknown


# ---------------------------------------------------------------- records


def _row_number() -> pl.Expr:
    return (pl.col(ROW_INDEX) + 1).cast(pl.Int32).alias(ROW_NUMBER)


def _groups(frame: pl.DataFrame, terms: list[pl.Series], before: pl.DataFrame) -> pl.DataFrame:
    if len(before) or frame.select(ROW_INDEX, GROUP_INDEX).is_duplicated().any():
        raise CannotRead("repeated_groups")
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(GROUP)
    return frame.select(_row_number(), number, ROW_INDEX, GROUP_INDEX, *terms)


def _items(
    layout: PromotionLayout, record: Path, frame: pl.DataFrame, terms: list[pl.Series], groups: pl.DataFrame
) -> pl.DataFrame:
    number: pl.Series | pl.Expr = pl.lit(None, pl.Int32).alias(GROUP)
    if GROUP_INDEX in frame.columns:
        places = groups.select(ROW_INDEX, GROUP_INDEX, GROUP)
        number = frame.join(places, on=[ROW_INDEX, GROUP_INDEX], how="left", maintain_order="left")[GROUP]
    is_given = pl.lit(layout.is_given(record)).alias(IS_GIVEN)
    return frame.select(_row_number(), number, is_given, *_own(layout, record, frame), *terms)


def _own_items(layout: PromotionLayout, frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows with a code of their own as items: a flat row an item, as Matrix writes."""
    is_given = pl.lit(value=False).alias(IS_GIVEN)
    group = pl.lit(None, pl.Int32).alias(GROUP)
    own = _own(layout, (), frame)
    found = frame.select(_row_number(), group, is_given, *own)
    return found.filter(_own_code(layout, frame))


def _own_code(layout: PromotionLayout, frame: pl.DataFrame) -> pl.Series:
    codes = [one for one in _own(layout, (), frame) if one.name == CODE]
    if not codes:
        return pl.Series([False]).new_from_index(0, len(frame))
    return (codes[0].str.strip_chars() != "").fill_null(value=False)


def _is_item(layout: PromotionLayout, record: Path) -> bool:
    return bool(record) and not layout.is_group(record)


# ---------------------------------------------------------------- columns


def _own(layout: PromotionLayout, record: Path, frame: pl.DataFrame) -> list[pl.Series]:
    """Return what is said of an item and of nothing else."""
    columns = nested_of(layout.outer.dialects).item_columns
    return [
        _first([frame["/".join(field)] for field in fields]).alias(column)
        for column, tags in columns.items()
        if (fields := _fields(layout, record, tags))
    ]


def _terms(layout: PromotionLayout, tables: Tables, record: Path) -> list[pl.Series]:
    """Return the terms that a record says itself."""
    dialects, frame = layout.outer.dialects, tables.records[record]
    repeated = nested_of(dialects).repeated
    terms = []
    for column, tags in dialects.columns.items():
        fields = _fields(layout, record, tags)
        if fields and column not in repeated:
            terms.append(_first([frame["/".join(field)] for field in fields]).alias(column))
        elif fields:
            terms.append(_all(layout, tables, record, fields).alias(column))
    return terms


def _fields(layout: PromotionLayout, record: Path, tags: tuple[str, ...]) -> list[Path]:
    """Return the fields that feed a column, the preferred spelling first."""
    containers = nested_of(layout.outer.dialects).containers
    placed = [
        field
        for field in layout.fields_of(record)
        if field[-1].lower() in tags and all(tag.lower() in containers for tag in field[:-1])
    ]
    return sorted(placed, key=lambda field: tags.index(field[-1].lower()))


def _first(values: list[pl.Series]) -> pl.Series:
    """Take the first that says something."""
    if len(values) == 1:
        return values[0]
    return pl.select(pl.coalesce(map(_said, values))).to_series()


def _all(layout: PromotionLayout, tables: Tables, record: Path, fields: list[Path]) -> pl.Series:
    """Take all that say something, a line each."""
    frame = tables.records[record]
    holders = layout.lists_of(record)
    values, seen = [], set()
    for field in fields:
        holder = field[:-1]
        if field not in holders.get(holder, ()):
            values.append(_said(frame["/".join(field)]))
        elif (holder, field[-1].lower()) not in seen:
            seen.add((holder, field[-1].lower()))
            names = ["/".join(one) for one in holders[holder] if one[-1].lower() == field[-1].lower()]
            values.append(_lines(frame, tables.lists[record, holder], names))
    return pl.select(pl.concat_str(values, separator=LINE, ignore_nulls=True)).to_series()


def _lines(frame: pl.DataFrame, values: pl.DataFrame, names: list[str]) -> pl.Expr:
    index = [name for name in frame.columns if name[0] == "<"]
    said = values.select(
        *index, pl.coalesce(_said(values[name]) for name in names).alias("line")
    ).drop_nulls()
    lines = said.group_by(index, maintain_order=True).agg(pl.col("line").str.join(LINE))
    return pl.lit(frame.select(index).join(lines, on=index, how="left", maintain_order="left")["line"])


def _said(values: pl.Series) -> pl.Expr:
    one = pl.lit(values)
    return pl.when(one.str.strip_chars() != "").then(one)
