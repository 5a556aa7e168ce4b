"""The price of one kilogram, litre, metre or piece: a price divided by the content that it is for."""

from typing import Final

import polars as pl

from gogobe_dagster.units.content import INPUT, OUTPUT, with_content

COMPARABLE: Final = pl.Decimal(18, 4)
_EXACT: Final = pl.Decimal(38, 12)


def with_comparable_prices(prices: pl.DataFrame) -> pl.DataFrame:
    """Add the content of each row's product, and `comparable_price`: ILS of one base unit.

    It is null where the content is, and where the price is not above 0. Content is found once for all rows
    with the same product text.
    """
    contents = with_content(prices.select(INPUT).unique(maintain_order=True))
    joined = prices.join(contents, on=list(INPUT), how="left", nulls_equal=True, maintain_order="left")
    exact = pl.col("price").cast(_EXACT) / pl.col("base_quantity").cast(_EXACT)
    comparable = exact.round(4, mode="half_away_from_zero").cast(COMPARABLE)
    priced = pl.when(pl.col("price") > 0).then(comparable).alias("comparable_price")
    return joined.with_columns(priced).select(*prices.columns, "comparable_price", *OUTPUT)
