"""Work on rows of which many are the same, done once for each distinct row."""

from collections.abc import Callable

import polars as pl


def find_per_distinct(rows: pl.DataFrame, find: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """Return for each row the columns that `find` gives for a row with the same values."""
    distinct = rows.unique()
    found = distinct.hstack(find(distinct))
    joined = rows.join(found, on=rows.columns, how="left", nulls_equal=True, maintain_order="left")
    return joined.drop(rows.columns)
