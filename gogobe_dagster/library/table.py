"""Rows that become a frame of Polars, pandas or Arrow."""

from dataclasses import dataclass

import pandas as pd
import polars as pl
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with named columns. Prices and quantities are exact decimals, timestamps are in UTC."""

    _frame: pl.DataFrame

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self._frame.columns

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._frame)

    def polars(self) -> pl.DataFrame:
        """Return a frame of Polars."""
        return self._frame

    def pandas(self) -> pd.DataFrame:
        """Return a frame of pandas with columns of Arrow: decimals stay exact, null stays null."""
        return self._frame.to_pandas(use_pyarrow_extension_array=True)

    def arrow(self) -> pa.Table:
        """Return a table of Arrow."""
        return self._frame.to_arrow()
