"""Products whose chains cannot mean the same thing: flagged for people, never merged or divided.

contents  two measured contents of one unit, more than three times as much one as the other, and neither a
          whole multiple (packages of several) nor a power of ten (a wrong unit)
names     a chain's name that shares nothing with the name and maker that any other chain states: no word of
          one begins like a word, or like any part, of the other. Only Hebrew words of three letters or more
          count, and only names with two of them: "cola" and "קולה" may be the same
"""

from collections.abc import Sequence

import polars as pl

from gogobe_dagster.units.table import BaseUnit
from gogobe_dagster.warehouse.schema.enums import ProductConflict
from gogobe_dagster.warehouse.statistics.product_choice import normalized

TOO_MUCH = 3
ROUNDING = 0.05
BEGINNING = 3
"""Letters that two words have to share."""


def find_conflicts(statements: pl.DataFrame) -> pl.DataFrame:
    """Return `product_key` and `conflict` of the products in conflict; where both are, names."""
    found = pl.concat([_with_other_names(statements), _with_other_contents(statements)])
    return found.unique("product_key", keep="first", maintain_order=True)


def _with_other_contents(statements: pl.DataFrame) -> pl.DataFrame:
    quantity = pl.col("base_quantity").cast(pl.Float64)
    contents = statements.filter(
        pl.col("base_unit").is_in([BaseUnit.KILOGRAM, BaseUnit.LITRE, BaseUnit.METRE])
    )
    spans = contents.group_by("product_key", "base_unit").agg(
        (quantity.max() / quantity.min()).alias("ratio")
    )
    is_multiple = (pl.col("ratio") - pl.col("ratio").round()).abs() <= ROUNDING
    # a wrong unit: 10, 100 or 1,000 times as much, give or take what is rounded
    power = pl.col("ratio").log10()
    is_power = (power - power.round()).abs() <= ROUNDING / 2
    too_much = spans.filter((pl.col("ratio") > TOO_MUCH) & ~is_multiple & ~is_power)
    return _flagged(too_much["product_key"].unique().sort(), ProductConflict.CONTENTS)


def _with_other_names(statements: pl.DataFrame) -> pl.DataFrame:
    several = statements.filter(pl.len().over("product_key") > 1, pl.col("name").is_not_null())
    hebrew = normalized(pl.col("name")).str.extract_all(f"[א-ת]{{{BEGINNING},}}")
    said = several.select(
        "product_key",
        hebrew.list.eval(pl.element().str.slice(0, BEGINNING)).list.unique().alias("beginnings"),
        (normalized(pl.col("name")) + " " + normalized(pl.col("manufacturer").fill_null(""))).alias("text"),
    ).filter(pl.col("beginnings").list.len() > 1)
    suspects = _that_share_no_beginning(said)
    keys = [key for (key,), some in suspects.items() if _is_alone(some.rows())]
    return _flagged(pl.Series("product_key", sorted(keys), pl.Int32), ProductConflict.NAMES)


def _that_share_no_beginning(said: pl.DataFrame) -> dict[tuple[int, ...], pl.DataFrame]:
    """Leave out the many products of which every name shares a beginning with another one."""
    numbered = said.with_row_index("number")
    counts = numbered.explode("beginnings").with_columns(
        pl.len().over("product_key", "beginnings").alias("names")
    )
    alone = counts.group_by("product_key", "number").agg(pl.col("names").max()).filter(pl.col("names") == 1)
    suspects = numbered.join(alone.select("product_key").unique(), on="product_key", how="semi").drop(
        "number"
    )
    several = suspects.filter(pl.len().over("product_key") > 1)
    return several.partition_by("product_key", as_dict=True)


def _is_alone(names: Sequence[tuple[int, Sequence[str], str]]) -> bool:
    """Return whether one of the names shares nothing with each of the others."""
    return any(
        not any(_shares(mine, other) for number, other in enumerate(names) if number != place)
        for place, mine in enumerate(names)
    )


def _shares(first: tuple[int, Sequence[str], str], second: tuple[int, Sequence[str], str]) -> bool:
    return any(begin in second[2] for begin in first[1]) or any(begin in first[2] for begin in second[1])


def _flagged(keys: pl.Series, conflict: ProductConflict) -> pl.DataFrame:
    return pl.DataFrame({"product_key": keys}).with_columns(conflict=pl.lit(conflict.value))
