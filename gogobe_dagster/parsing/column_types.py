"""The types that the model, the lake and the tables share, as Arrow and as Polars have them."""

from typing import Final

import polars as pl
import pyarrow as pa

PRECISION, SCALE = 14, 4
"""Digits of money and quantities in all, and after the decimal point; PostgreSQL's numeric(14, 4)."""

ARROW_DECIMAL: Final = pa.decimal128(PRECISION, SCALE)
ARROW_TIMESTAMP: Final = pa.timestamp("us", tz="UTC")
DECIMAL: Final = pl.Decimal(PRECISION, SCALE)
TIMESTAMP: Final = pl.Datetime("us", "UTC")
