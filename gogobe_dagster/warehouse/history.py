"""What price history means, as one pure function: what stores said before, plus files, makes changes.

The definition. A store's prices are a step function of time. At an instant at which files of the store
were published, they are applied in the order of `Statement.place`: a complete file replaces all that the
store sells, any other adds what it lists. What the store sells after that instant is compared with what
it sold before; only differences make history. So no period is empty, and no two neighbours say the same.

The order never looks at when a file arrived or at its number in the ledger: by stamp; at one stamp full
files before deltas (a delta tells what changed since); then by feed, name and revision.

No database here. The test has the same definition in thirty lines of plain Python.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

import polars as pl

MOMENT = pl.Datetime("us", "UTC")
MONEY = pl.Decimal(14, 4)
KEY = ["store_key", "product_key"]
VALUE: dict[str, pl.DataType] = {"price": MONEY, "unit_price": MONEY, "priced_at": MOMENT}
ROWS = pl.Schema({"file_id": pl.Int64(), "product_key": pl.Int32(), **VALUE})
"""What files state: one row a file and product."""
HELD = pl.Schema(
    {
        "store_key": pl.Int32(),
        "product_key": pl.Int32(),
        "price": MONEY,
        "unit_price": MONEY,
        "valid_from": MOMENT,
    }
)
"""What holds now: some columns of price_current."""
CURRENT = pl.Schema(
    {"store_key": pl.Int32(), "product_key": pl.Int32(), **VALUE, "valid_from": MOMENT, "file_id": pl.Int64()}
)
"""All columns of price_current."""
END: dict[str, pl.DataType] = {"valid_to": MOMENT, "ended_file_id": pl.Int64()}
_SOURCES = pl.Schema(
    {
        "file_id": pl.Int64(),
        "store_key": pl.Int32(),
        "valid_from": MOMENT,
        "full_at": MOMENT,
        "full_id": pl.Int64(),
    }
)
_FIRST_FULLS = pl.Schema({"store_key": pl.Int32(), "full_at": MOMENT, "full_id": pl.Int64()})


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
    """What to do to the tables: two frames for price_history, three for price_current."""

    started: pl.DataFrame
    """Periods to insert into history, some of them ended already: CURRENT and END columns."""
    ended: pl.DataFrame
    """Periods that were open and end: KEY, valid_from and END columns."""
    inserted: pl.DataFrame
    """Products that the store did not sell: CURRENT columns."""
    updated: pl.DataFrame
    """Products that the store sells on at another price: CURRENT columns."""
    removed: pl.DataFrame
    """Products that the store sells no longer: KEY columns."""


def changes(held: pl.DataFrame, statements: Iterable[Statement], rows: pl.DataFrame) -> Changes:
    """Apply files, in any order given, to what holds now.

    Every statement must be newer than all that its store has in `held`; `rows` has at most one row a
    file and product. Where no complete file speaks of a store, `held` may be limited to the products
    that the files mention.
    """
    sources, first_fulls = _sources(statements)
    stated = _stated(sources, rows)
    before = held.join(first_fulls, on="store_key", how="left", maintain_order="left")
    return _sorted_out(_periods(pl.concat([_timeline(before), _timeline(stated)])))


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


def _stated(sources: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each instant, store and product: what the last file of the instant states."""
    stated = rows.join(sources, on="file_id", how="inner", maintain_order="left")
    if sources.select(pl.struct("store_key", "valid_from").is_duplicated().any()).item():
        stated = stated.sort("place").unique([*KEY, "valid_from"], keep="last", maintain_order=True)
    return stated


def _timeline(frame: pl.DataFrame) -> pl.DataFrame:
    """Bring both sides to one form; what is held has no file here."""
    missing = [pl.lit(None, CURRENT[name]).alias(name) for name in CURRENT if name not in frame.columns]
    return frame.with_columns(missing).select(*CURRENT, "full_at", "full_id")


def _periods(timeline: pl.DataFrame) -> pl.DataFrame:
    """Join statements that say the same into periods with an end, which is null while they hold."""
    timeline = timeline.sort(*KEY, "valid_from")
    same_product = pl.all_horizontal(pl.col(KEY).eq_missing(pl.col(KEY).shift()))
    gone_between = (pl.col("full_at").shift() < pl.col("valid_from")).fill_null(value=False)
    other_value = pl.any_horizontal(
        pl.col("price", "unit_price").ne_missing(pl.col("price", "unit_price").shift())
    )
    timeline = timeline.with_columns(
        starts=~same_product | gone_between | other_value,
        next_at=pl.when(same_product.shift(-1)).then(pl.col("valid_from").shift(-1)),
        next_id=pl.col("file_id").shift(-1),
    )
    last = timeline.filter(pl.col("starts").shift(-1, fill_value=True))
    is_gone = pl.col("full_at").is_not_null() & (pl.col("full_at") < pl.col("next_at")).fill_null(value=True)
    is_followed = pl.col("next_at").is_not_null()
    ends = last.select(
        valid_to=pl.when(is_gone).then("full_at").otherwise("next_at"),
        ended_file_id=pl.when(is_gone).then("full_id").when(is_followed).then("next_id"),
    )
    return timeline.filter("starts").select(*CURRENT).hstack(ends)


def _sorted_out(periods: pl.DataFrame) -> Changes:
    has_ended, is_held = pl.col("valid_to").is_not_null(), pl.col("file_id").is_null()
    started = periods.filter(~is_held)
    ended = periods.filter(is_held & has_ended).select(*KEY, "valid_from", *END)
    opened = started.filter(~has_ended).select(*CURRENT)
    return Changes(
        started=started,
        ended=ended,
        inserted=opened.join(ended, on=KEY, how="anti", maintain_order="left"),
        updated=opened.join(ended, on=KEY, how="semi", maintain_order="left"),
        removed=ended.join(opened, on=KEY, how="anti", maintain_order="left").select(KEY),
    )
