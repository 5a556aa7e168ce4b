"""What history means, as one pure function: what stores said before, plus files, makes changes.

The definition. What a store says, its prices or its promotions, is a step function of time. At an instant at
which files of the store were published, they are applied in the order of `Statement.place`: a complete file
replaces all that the store says, any other adds what it lists. What the store says after that instant is
compared with what it said before; only differences make history. So no period is empty, and no two neighbours
say the same.

The order never looks at when a file arrived or at its number in the ledger: by stamp; at one stamp full
files before deltas (a delta tells what changed since); then by feed, name and revision.

What is said of which thing is a `Shape`. No database here. The test has the same definition in thirty lines
of plain Python.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import polars as pl

from gogobe_dagster.parsing.column_types import DECIMAL, TIMESTAMP

END: dict[str, pl.DataType] = {"valid_to": TIMESTAMP, "closed_by_file_id": pl.Int64()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What files say of a store: the columns of a history."""

    thing: str
    """The column that says of what, once in a store."""
    type_: pl.DataType
    said: Mapping[str, pl.DataType]
    """What is said of it; another value is a change."""
    beside: Mapping[str, pl.DataType] = field(default_factory=dict)
    """What is kept of the first file to say so; another value is no change."""

    @property
    def key(self) -> list[str]:
        """Of what something is said."""
        return ["store_key", self.thing]

    @property
    def rows(self) -> pl.Schema:
        """What files state: one row a file and thing."""
        return pl.Schema({"file_id": pl.Int64(), self.thing: self.type_, **self.said, **self.beside})

    @property
    def held(self) -> pl.Schema:
        """What holds now, as far as it matters."""
        return pl.Schema({"store_key": pl.Int32(), self.thing: self.type_, **self.said})

    @property
    def current(self) -> pl.Schema:
        """All that is known of what holds now."""
        return pl.Schema(
            {
                "store_key": pl.Int32(),
                self.thing: self.type_,
                **self.said,
                **self.beside,
                "valid_from": TIMESTAMP,
                "file_id": pl.Int64(),
            }
        )


PRICES = Shape(
    thing="product_key",
    type_=pl.Int32(),
    said={"price": DECIMAL, "unit_price": DECIMAL},
    beside={"price_set_at": TIMESTAMP},
)
PROMOTIONS = Shape(thing="promotion_id", type_=pl.String(), said={"promotion_key": pl.Int32()})
_SOURCES = pl.Schema(
    {
        "file_id": pl.Int64(),
        "store_key": pl.Int32(),
        "valid_from": TIMESTAMP,
        "full_at": TIMESTAMP,
        "full_id": pl.Int64(),
    }
)
_FIRST_FULLS = pl.Schema({"store_key": pl.Int32(), "full_at": TIMESTAMP, "full_id": pl.Int64()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One file about one store, without its rows."""

    file_id: int
    store_key: int
    published_at: datetime
    is_complete: bool
    """Whether what it does not list is gone. False for a delta and for a damaged or empty full file."""
    tie: tuple[bool, str, str, int]
    """Its place among files of the same stamp: whether it is a delta, then feed, name and revision."""

    @property
    def place(self) -> tuple[datetime, tuple[bool, str, str, int]]:
        """Its place in the order in which files apply."""
        return self.published_at, self.tie


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to do to the tables: two frames for a history, three for a table of what holds now."""

    started: pl.DataFrame
    """Periods to insert into history, some of them ended already: the shape's `current` and END columns."""
    ended: pl.DataFrame
    """Periods that were open and end: the shape's `key` and END columns."""
    inserted: pl.DataFrame
    """Things of which the store said nothing: `current` columns."""
    updated: pl.DataFrame
    """Things of which the store says something else from now on: `current` columns."""
    removed: pl.DataFrame
    """Things of which the store says nothing any more: `key` columns."""


def changes(shape: Shape, held: pl.DataFrame, statements: Iterable[Statement], rows: pl.DataFrame) -> Changes:
    """Apply files, in any order given, to what holds now.

    Every statement must be newer than all that its store has in `held`; `rows` has at most one row a
    file and thing. Where no complete file speaks of a store, `held` may be limited to the things
    that the files mention.
    """
    sources, first_fulls = _sources(statements)
    stated = _stated(shape, sources, rows)
    before = held.join(first_fulls, on="store_key", how="left", maintain_order="left")
    timeline = pl.concat([_timeline(shape, before), _timeline(shape, stated)])
    return _sorted_out(shape, _periods(shape, timeline))


def _sources(statements: Iterable[Statement]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give each file that counts the next complete file after its instant, and each store its first one.

    A complete file makes files before it at the same instant count for nothing.
    """
    sources, first_fulls = [], []
    ordered = sorted(statements, key=lambda one: (one.store_key, *one.place))
    for store_key, of_store in groupby(ordered, key=attrgetter("store_key")):
        full_at: datetime | None = None
        full_id: int | None = None
        for at, of_instant in groupby(reversed(list(of_store)), key=attrgetter("published_at")):
            counting = _until_complete(of_instant)
            sources += [(one.file_id, store_key, at, full_at, full_id) for one in counting]
            if counting[-1].is_complete:
                full_at, full_id = at, counting[-1].file_id
        first_fulls.append((store_key, full_at, full_id))
    return (
        pl.DataFrame(sources[::-1], schema=_SOURCES, orient="row").with_row_index("place"),
        pl.DataFrame(first_fulls, schema=_FIRST_FULLS, orient="row"),
    )


def _until_complete(newest_first: Iterable[Statement]) -> list[Statement]:
    counting = []
    for one in newest_first:
        counting.append(one)
        if one.is_complete:
            break
    return counting


def _stated(shape: Shape, sources: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each instant, store and thing: what the last file of the instant states."""
    stated = rows.join(sources, on="file_id", how="inner", maintain_order="left")
    if sources.select(pl.struct("store_key", "valid_from").is_duplicated().any()).item():
        stated = stated.sort("place").unique([*shape.key, "valid_from"], keep="last", maintain_order=True)
    return stated


def _timeline(shape: Shape, frame: pl.DataFrame) -> pl.DataFrame:
    """Bring both sides to one form; what is held has no file here, and is older than all that has one."""
    there = set(frame.columns)
    missing = [pl.lit(None, type_).alias(name) for name, type_ in shape.current.items() if name not in there]
    return frame.with_columns(missing).select(*shape.current, "full_at", "full_id")


def _periods(shape: Shape, timeline: pl.DataFrame) -> pl.DataFrame:
    """Join statements that say the same into periods with an end, which is null while they hold."""
    key, said = pl.col(shape.key), pl.col(list(shape.said))
    timeline = timeline.sort(*shape.key, "valid_from")
    same_thing = pl.all_horizontal(key.eq_missing(key.shift()))
    gone_between = (pl.col("full_at").shift() < pl.col("valid_from")).fill_null(value=False)
    says_otherwise = pl.any_horizontal(said.ne_missing(said.shift()))
    timeline = timeline.with_columns(
        starts=~same_thing | gone_between | says_otherwise,
        next_at=pl.when(same_thing.shift(-1)).then(pl.col("valid_from").shift(-1)),
        next_id=pl.col("file_id").shift(-1),
    )
    last = timeline.filter(pl.col("starts").shift(-1, fill_value=True))
    is_gone = pl.col("full_at").is_not_null() & (pl.col("full_at") < pl.col("next_at")).fill_null(value=True)
    is_followed = pl.col("next_at").is_not_null()
    ends = last.select(
        valid_to=pl.when(is_gone).then("full_at").otherwise("next_at"),
        closed_by_file_id=pl.when(is_gone).then("full_id").when(is_followed).then("next_id"),
    )
    return timeline.filter("starts").select(*shape.current).hstack(ends)


def _sorted_out(shape: Shape, periods: pl.DataFrame) -> Changes:
    has_ended, is_held = pl.col("valid_to").is_not_null(), pl.col("file_id").is_null()
    started = periods.filter(~is_held)
    ended = periods.filter(is_held & has_ended).select(*shape.key, *END)
    opened = started.filter(~has_ended).select(*shape.current)
    return Changes(
        started=started,
        ended=ended,
        inserted=opened.join(ended, on=shape.key, how="anti", maintain_order="left"),
        updated=opened.join(ended, on=shape.key, how="semi", maintain_order="left"),
        removed=ended.join(opened, on=shape.key, how="anti", maintain_order="left").select(shape.key),
    )
