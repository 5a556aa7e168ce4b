"""Why rows are not taken: one reason for each, and samples to look at. Values are read in `normalise`."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl
import pyarrow as pa

from gogobe_dagster.parsing.document_rules import Rules
from gogobe_dagster.parsing.reject import LONGEST_SAMPLE, MOST_SAMPLES, Reject
from gogobe_dagster.parsing.report import ROW_NUMBER

INEXACT: Final = r"\.[0-9]{4}[0-9]*[1-9]|[eE]"
"""More than the four decimals that the model keeps, or a power of ten."""
NUMBER: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$"
INTEGER: Final = r"^[+-]?[0-9]+$"
REASON: Final = "@reason"
TURN: Final = "@turn"
READ: Final = "read "


def reasons_of(
    text: pl.DataFrame, typed: pl.DataFrame, columns: Mapping[str, Any], rules: Rules
) -> pl.Series:
    """Give each row the first reason why it cannot be taken, or null."""
    both = pl.concat([text, typed.select(pl.exclude(ROW_NUMBER).name.prefix(READ))], how="horizontal")
    missing = [pl.when(pl.col(name).is_null()).then(pl.lit(reason)) for name, reason in rules.missing.items()]
    unreadable = [one for name, kind in columns.items() for one in _why_unreadable(name, kind, rules)]
    return both.select(pl.coalesce(*missing, *unreadable).alias(REASON)).to_series()


def _why_unreadable(name: str, kind: Any, rules: Rules) -> list[pl.Expr]:
    is_bad = pl.col(name).is_not_null() & pl.col(READ + name).is_null()
    general = "bad_number"
    shape = INTEGER if pa.types.is_integer(kind) else NUMBER
    is_only_large = pl.col(name).str.contains(shape) & ~pl.col(name).str.contains(INEXACT)
    if pa.types.is_timestamp(kind):
        general, is_only_large = "bad_date", pl.lit(value=False)
    if pa.types.is_boolean(kind):
        general, is_only_large = "bad_flag", pl.lit(value=False)
    if pa.types.is_string(kind):
        is_only_large = pl.lit(value=True)
    reason = rules.unreadable.get(name, general)
    return [
        pl.when(is_bad & is_only_large).then(pl.lit("out_of_range")),
        pl.when(is_bad).then(pl.lit(reason)),
    ]


def samples_of(text: pl.DataFrame, reasons: pl.Series) -> list[Reject]:
    """Take at most 20 rows: the first of each reason before the second of any."""
    rejected = text.with_columns(reasons.alias(REASON)).filter(pl.col(REASON).is_not_null())
    chosen = rejected.with_columns(pl.int_range(pl.len()).over(REASON).alias(TURN)).sort(TURN, ROW_NUMBER)
    return [_reject(row) for row in chosen.head(MOST_SAMPLES).sort(ROW_NUMBER).iter_rows(named=True)]


def _reject(row: dict[str, Any]) -> Reject:
    number, reason = row.pop(ROW_NUMBER), row.pop(REASON)
    row.pop(TURN)
    shown = ", ".join(f"{name}={value}" for name, value in sorted(row.items(), key=_short_first) if value)
    return Reject(row_number=number, reason=reason, sample=shown[:LONGEST_SAMPLE])


def _short_first(field: tuple[str, str | None]) -> tuple[bool, bool, int]:
    """Put codes, numbers and dates before names, which fill the space and explain nothing."""
    name, value = field
    return (
        name in {"description", "name", "manufacturer", "address"},
        name not in {"code", "price"},
        len(value or ""),
    )
