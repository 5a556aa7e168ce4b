"""Valid-time history (SCD type 2) as one pure function: files applied to the current state give periods.

The definition. What a store publishes, its prices or its promotions, is a step function of time. Files of a
store with one timestamp are applied together, in the order of `StoreFile.order`: a complete file replaces
everything, any other file adds or replaces the rows that it lists. A row without a value says only that its
entity is listed: a complete file with such a row keeps what held before its timestamp, and in any other file
the row says nothing. The state afterwards is compared with the state before; only differences make history.
Therefore no period is empty, and two neighbouring periods of an entity always differ.

The order does not depend on when a file arrived or on its number in the ledger: by timestamp; within one
timestamp full files before deltas, which list what changed since; then by feed, name and revision. That is
why files can be loaded in any order with the same result.

A `HistorySpec` says which columns a history has. No database here. The tests have the same definition in
thirty lines of plain Python.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import polars as pl

from gogobe_dagster.parsing.column_types import DECIMAL, TIMESTAMP

PERIOD_END: dict[str, pl.DataType] = {"valid_to": TIMESTAMP, "closed_by_file_id": pl.Int64()}


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySpec:
    """The columns of a history."""

    entity: str
    """The column that names what has a history: at most one row per store and entity is valid at a time."""
    entity_type: pl.DataType
    tracked: Mapping[str, pl.DataType]
    """A change of one of these starts a new period. A row without the first of them is only listed."""
    untracked: Mapping[str, pl.DataType] = field(default_factory=dict)
    """Kept from the file that started the period; a change of these alone starts none."""

    @property
    def key(self) -> list[str]:
        """The columns that identify what has a history."""
        return ["store_key", self.entity]

    @property
    def value(self) -> str:
        """The tracked column that every row has, except rows that are only listed."""
        return next(iter(self.tracked))

    @property
    def file_rows(self) -> pl.Schema:
        """The rows of files: at most one per file and entity."""
        return pl.Schema(
            {"file_id": pl.Int64(), self.entity: self.entity_type, **self.tracked, **self.untracked}
        )

    @property
    def current(self) -> pl.Schema:
        """The columns of the current state that a comparison needs."""
        return pl.Schema({"store_key": pl.Int32(), self.entity: self.entity_type, **self.tracked})

    @property
    def open_period(self) -> pl.Schema:
        """All columns of a period that has not ended."""
        return pl.Schema(
            {
                "store_key": pl.Int32(),
                self.entity: self.entity_type,
                **self.tracked,
                **self.untracked,
                "valid_from": TIMESTAMP,
                "file_id": pl.Int64(),
            }
        )


PRICES = HistorySpec(
    entity="product_key",
    entity_type=pl.Int32(),
    tracked={"price": DECIMAL, "published_unit_price": DECIMAL},
    untracked={"price_set_at": TIMESTAMP},
)
PROMOTIONS = HistorySpec(
    entity="promotion_id", entity_type=pl.String(), tracked={"promotion_key": pl.Int32()}
)
_SOURCES = pl.Schema(
    {
        "file_id": pl.Int64(),
        "store_key": pl.Int32(),
        "valid_from": TIMESTAMP,
        "is_complete": pl.Boolean(),
        "full_at": TIMESTAMP,
        "full_id": pl.Int64(),
    }
)
_FIRST_FULLS = pl.Schema({"store_key": pl.Int32(), "full_at": TIMESTAMP, "full_id": pl.Int64()})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFile:
    """One file about one store, without its rows."""

    file_id: int
    store_key: int
    published_at: datetime
    is_complete: bool
    """Whether what it does not list is gone. False for a delta and for a damaged or empty full file."""
    tie_break: tuple[bool, str, str, int]
    """Its order among files of one timestamp: whether it is a delta, then feed, name and revision."""

    @property
    def order(self) -> tuple[datetime, tuple[bool, str, str, int]]:
        """The sort key by which files apply."""
        return self.published_at, self.tie_break


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to write: two frames for a table of history, three for a table of the current state."""

    started: pl.DataFrame
    """Periods to insert, some of them ended already: the spec's `open_period` and PERIOD_END columns."""
    ended: pl.DataFrame
    """Periods that were open and end: the spec's `key` and PERIOD_END columns."""
    inserted: pl.DataFrame
    """Entities that the store did not have: `open_period` columns."""
    updated: pl.DataFrame
    """Entities whose tracked columns are others from now on: `open_period` columns."""
    removed: pl.DataFrame
    """Entities that the store does not have any more: `key` columns."""


def apply_files(
    spec: HistorySpec, current: pl.DataFrame, files: Iterable[StoreFile], rows: pl.DataFrame
) -> Changes:
    """Apply files, given in any order, to the current state.

    Every file must be newer than everything that its store has in `current`; `rows` has at most one row per
    file and entity. For a store without a complete file, `current` may be limited to the entities that its
    files list.
    """
    sources, first_fulls = _sources(files)
    listed = _listed(spec, sources, rows)
    before = current.join(first_fulls, on="store_key", how="left", maintain_order="left")
    timeline = pl.concat([_timeline(spec, before), _timeline(spec, listed)])
    if listed[spec.value].null_count():
        timeline = _with_values(spec, timeline)
    return _changes(spec, _periods(spec, timeline))


def _sources(files: Iterable[StoreFile]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return files with the next complete file after their timestamp, and each store's first complete file.

    Files that a complete file of the same timestamp replaces are left out.
    """
    sources, first_fulls = [], []
    ordered = sorted(files, key=lambda file: (file.store_key, *file.order))
    for store_key, of_store in groupby(ordered, key=attrgetter("store_key")):
        full_at: datetime | None = None
        full_id: int | None = None
        # newest first, so that the complete file that follows is known when a file is reached
        for at, same_timestamp in groupby(reversed(list(of_store)), key=attrgetter("published_at")):
            effective = _until_complete(same_timestamp)
            sources += [
                (file.file_id, store_key, at, file.is_complete, full_at, full_id) for file in effective
            ]
            if effective[-1].is_complete:
                full_at, full_id = at, effective[-1].file_id
        first_fulls.append((store_key, full_at, full_id))
    return (
        pl.DataFrame(sources[::-1], schema=_SOURCES, orient="row").with_row_index("order"),
        pl.DataFrame(first_fulls, schema=_FIRST_FULLS, orient="row"),
    )


def _until_complete(newest_first: Iterable[StoreFile]) -> list[StoreFile]:
    effective = []
    for file in newest_first:
        effective.append(file)
        if file.is_complete:
            break
    return effective


def _listed(spec: HistorySpec, sources: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per timestamp, store and entity: that of the last file with this timestamp."""
    listed = rows.join(sources, on="file_id", how="inner", maintain_order="left")
    if listed[spec.value].null_count():
        listed = listed.filter(pl.col(spec.value).is_not_null() | pl.col("is_complete"))
    # two files of one timestamp are rare, so the sort of all rows is left out where there are none
    if sources.select(pl.struct("store_key", "valid_from").is_duplicated().any()).item():
        listed = listed.sort("order").unique([*spec.key, "valid_from"], keep="last", maintain_order=True)
    return listed


def _with_values(spec: HistorySpec, timeline: pl.DataFrame) -> pl.DataFrame:
    """Give rows that are only listed the value that held before them; leave out those with nothing before."""
    timeline = timeline.sort(*spec.key, "valid_from")
    has_value = pl.col(spec.value).is_not_null()
    # The row with the value, looked for within a span in which the entity was there all the time: without the
    # span, a product that had left the store would come back at its old price.
    spans = timeline.select(
        _starts_anew(spec).cum_sum().alias("span"),
        pl.when(has_value).then(pl.int_range(pl.len())).alias("number"),
    )
    numbers = spans.select(pl.col("number").forward_fill().over("span")).to_series()
    values = timeline.select(*spec.tracked, *spec.untracked)[numbers.fill_null(0)]
    return timeline.with_columns(values.get_columns()).filter(numbers.is_not_null())


def _starts_anew(spec: HistorySpec) -> pl.Expr:
    """Whether a row of the sorted timeline does not continue the row before it."""
    same_entity = pl.all_horizontal(pl.col(spec.key).eq_missing(pl.col(spec.key).shift()))
    # A complete file between the two did not list the entity: it was gone, also if it came back unchanged.
    gone_between = (pl.col("full_at").shift() < pl.col("valid_from")).fill_null(value=False)
    return ~same_entity | gone_between


def _timeline(spec: HistorySpec, frame: pl.DataFrame) -> pl.DataFrame:
    """Bring current state and file rows to one schema.

    Rows of the current state get neither file_id nor valid_from. Nulls sort first, so they precede the rows
    of files; `_changes` tells them apart by the missing file_id.
    """
    there = set(frame.columns)
    missing = [
        pl.lit(None, type_).alias(name) for name, type_ in spec.open_period.items() if name not in there
    ]
    return frame.with_columns(missing).select(*spec.open_period, "full_at", "full_id")


def _periods(spec: HistorySpec, timeline: pl.DataFrame) -> pl.DataFrame:
    """Merge neighbouring rows with equal tracked columns into periods; an open period ends with null.

    A row is compared with its neighbour in the sorted frame, not in a window per entity, of which there are
    hundreds of thousands. `same_entity` keeps the comparison from reaching into the next entity; without it
    the last price of one product would end where another product begins.
    """
    key, tracked = pl.col(spec.key), pl.col(list(spec.tracked))
    timeline = timeline.sort(*spec.key, "valid_from")
    same_entity = pl.all_horizontal(key.eq_missing(key.shift()))
    # ne_missing, because null differs from a value and equals null; plain comparison would give null for both
    differs = pl.any_horizontal(tracked.ne_missing(tracked.shift()))
    timeline = timeline.with_columns(
        starts=_starts_anew(spec) | differs,
        next_at=pl.when(same_entity.shift(-1)).then(pl.col("valid_from").shift(-1)),
        next_id=pl.col("file_id").shift(-1),
    )
    # The last row of each period knows its end; periods and ends have the same number and order of rows.
    last = timeline.filter(pl.col("starts").shift(-1, fill_value=True))
    is_gone = pl.col("full_at").is_not_null() & (pl.col("full_at") < pl.col("next_at")).fill_null(value=True)
    is_followed = pl.col("next_at").is_not_null()
    ends = last.select(
        valid_to=pl.when(is_gone).then("full_at").otherwise("next_at"),
        closed_by_file_id=pl.when(is_gone).then("full_id").when(is_followed).then("next_id"),
    )
    return timeline.filter("starts").select(*spec.open_period).hstack(ends)


def _changes(spec: HistorySpec, periods: pl.DataFrame) -> Changes:
    """Sort periods by what has to be written. Periods of the current state are in the tables already."""
    has_ended, was_current = pl.col("valid_to").is_not_null(), pl.col("file_id").is_null()
    started = periods.filter(~was_current)
    ended = periods.filter(was_current & has_ended).select(*spec.key, *PERIOD_END)
    opened = started.filter(~has_ended).select(*spec.open_period)
    return Changes(
        started=started,
        ended=ended,
        inserted=opened.join(ended, on=spec.key, how="anti", maintain_order="left"),
        updated=opened.join(ended, on=spec.key, how="semi", maintain_order="left"),
        removed=ended.join(opened, on=spec.key, how="anti", maintain_order="left").select(spec.key),
    )
