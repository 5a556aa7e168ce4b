"""The price of one product in one store under an offer, as columns of a frame."""

import polars as pl

from gogobe_dagster.parsing.promotions.pricing.rules import MONEY
from gogobe_dagster.parsing.promotions.pricing.shopper_price_sql import COLUMNS


def with_shopper_prices(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the columns of COLUMNS to priced offers, or to their items."""
    money = [name for name in rows.columns if isinstance(rows.schema[name], pl.Decimal)]
    known = rows.with_columns(pl.col(money).cast(pl.Float64))
    prices = known.select(pl.sql_expr(text).alias(name) for name, text in COLUMNS.items())
    return rows.with_columns(
        prices["effective_unit_price"].round(4).cast(MONEY),
        prices["price_basis"],
        prices["no_price_reason"],
    )
