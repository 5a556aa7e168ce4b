"""What changes where one file speaks of each store: one comparison of two frames, the usual case by far.

What changes mean is defined in `history`, which everything else goes through; a test holds this to it.
"""

from collections.abc import Sequence

import polars as pl

from gogobe_dagster.parsing.column_types import TIMESTAMP
from gogobe_dagster.warehouse.history.periods import END, Changes, Shape, Statement, changes

_SOURCES = pl.Schema({"file_id": pl.Int64(), "store_key": pl.Int32(), "valid_from": TIMESTAMP})
_FULLS = pl.Schema({"store_key": pl.Int32(), **END})
_IS_NEW = pl.col("is_held").is_null()


def find_changes(
    shape: Shape, held: pl.DataFrame, statements: Sequence[Statement], rows: pl.DataFrame
) -> Changes:
    """Apply files, in any order given, to what holds now: what `history.changes` says, mostly sooner."""
    if len({one.store_key for one in statements}) < len(statements):
        return changes(shape, held, statements, rows)
    sources = [(one.file_id, one.store_key, one.published_at) for one in statements]
    stated = rows.join(pl.DataFrame(sources, schema=_SOURCES, orient="row"), on="file_id")
    return _compared(shape, _placed(shape, held), _placed(shape, stated), statements)


def _placed(shape: Shape, frame: pl.DataFrame) -> pl.DataFrame:
    """Add store and thing as one value: it is found and sorted in half the time of two."""
    thing = pl.col(shape.thing)
    is_number = shape.type_.is_integer()
    store = pl.col("store_key").cast(pl.Int64)
    place = store * 2**32 + thing if is_number else pl.concat_str("store_key", pl.lit(":"), thing)
    return frame.with_columns(place=place)


def _compared(
    shape: Shape, held: pl.DataFrame, stated: pl.DataFrame, statements: Sequence[Statement]
) -> Changes:
    known = held.select("place", *shape.said, is_held=pl.lit(value=True))
    both = stated.join(known, on="place", how="left", suffix="_held")
    says_otherwise = [pl.col(name).ne_missing(pl.col(f"{name}_held")) for name in shape.said]
    different = both.filter(pl.any_horizontal(_IS_NEW, *says_otherwise)).sort("place")
    updated = different.filter(~_IS_NEW)
    are_gone = both["is_held"].count() < held.height
    gone = _gone(shape, held if are_gone else held.clear(), stated, statements)
    ends = updated.select(*shape.key, valid_to="valid_from", closed_by_file_id="file_id")
    hold_still = [pl.lit(None, type_).alias(name) for name, type_ in END.items()]
    return Changes(
        started=different.select(*shape.current, *hold_still),
        ended=pl.concat([ends, gone]),
        inserted=different.filter(_IS_NEW).select(*shape.current),
        updated=updated.select(*shape.current),
        removed=gone.select(*shape.key),
    )


def _gone(
    shape: Shape, held: pl.DataFrame, stated: pl.DataFrame, statements: Sequence[Statement]
) -> pl.DataFrame:
    """Return what complete files do not state any more, with its end."""
    fulls = [(one.store_key, one.published_at, one.file_id) for one in statements if one.is_complete]
    ended = held.join(pl.DataFrame(fulls, schema=_FULLS, orient="row"), on="store_key")
    return ended.join(stated, on="place", how="anti").sort("place").select(*shape.key, *END)
