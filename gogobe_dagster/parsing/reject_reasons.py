"""Finds the reason why a row is rejected, and samples to show."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl
import pyarrow as pa

from gogobe_dagster.parsing.document_rules import Rules
from gogobe_dagster.parsing.reject import MAX_SAMPLE_LENGTH, MAX_SAMPLES, Reject, RejectReason
from gogobe_dagster.parsing.report import ROW_NUMBER

INEXACT: Final = r"\.[0-9]{4}[0-9]*[1-9]|[eE]"
"""A number with more than four decimals, or with an exponent."""
NUMBER: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$"
INTEGER: Final = r"^[+-]?[0-9]+$"
REASON: Final = "@reason"
OCCURRENCE: Final = "@occurrence"
READ: Final = "read "
"""Prefix of the columns with parsed values, beside those with text."""


def find_reasons(
    text: pl.DataFrame, typed: pl.DataFrame, columns: Mapping[str, Any], rules: Rules
) -> pl.Series:
    """Return for each row the first reason why it is rejected, or null."""
    both = pl.concat([text, typed.select(pl.exclude(ROW_NUMBER).name.prefix(READ))], how="horizontal")
    missing = [
        pl.when(pl.col(name).is_null()).then(pl.lit(str(reason))) for name, reason in rules.missing.items()
    ]
    unreadable = [reason for name, kind in columns.items() for reason in _unreadable(name, kind, rules)]
    return both.select(pl.coalesce(*missing, *unreadable).alias(REASON)).to_series()


def _unreadable(name: str, kind: Any, rules: Rules) -> list[pl.Expr]:
    is_bad = pl.col(name).is_not_null() & pl.col(READ + name).is_null()
    general = RejectReason.BAD_NUMBER
    pattern = INTEGER if pa.types.is_integer(kind) else NUMBER
    is_out_of_range = pl.col(name).str.contains(pattern) & ~pl.col(name).str.contains(INEXACT)
    if pa.types.is_timestamp(kind):
        general, is_out_of_range = RejectReason.BAD_DATE, pl.lit(value=False)
    if pa.types.is_boolean(kind):
        general, is_out_of_range = RejectReason.BAD_FLAG, pl.lit(value=False)
    if pa.types.is_string(kind):
        is_out_of_range = pl.lit(value=True)
    reason = rules.unreadable.get(name, general)
    return [
        pl.when(is_bad & is_out_of_range).then(pl.lit(RejectReason.OUT_OF_RANGE.value)),
        pl.when(is_bad).then(pl.lit(str(reason))),
    ]


def reject_samples(text: pl.DataFrame, reasons: pl.Series) -> list[Reject]:
    """Return at most 20 rows: the first of each reason before the second of any."""
    rejected = text.with_columns(reasons.alias(REASON)).filter(pl.col(REASON).is_not_null())
    chosen = rejected.with_columns(pl.int_range(pl.len()).over(REASON).alias(OCCURRENCE)).sort(
        OCCURRENCE, ROW_NUMBER
    )
    return [_reject(row) for row in chosen.head(MAX_SAMPLES).sort(ROW_NUMBER).iter_rows(named=True)]


def _reject(row: dict[str, Any]) -> Reject:
    number, reason = row.pop(ROW_NUMBER), row.pop(REASON)
    row.pop(OCCURRENCE)
    shown = ", ".join(f"{name}={value}" for name, value in sorted(row.items(), key=_short_first) if value)
    return Reject(row_number=number, reason=reason, sample=shown[:MAX_SAMPLE_LENGTH])


def _short_first(field: tuple[str, str | None]) -> tuple[bool, bool, int]:
    """Sort codes, numbers and dates before names, which fill the sample and explain nothing."""
    name, value = field
    return (
        name in {"description", "name", "manufacturer", "address"},
        name not in {"code", "price"},
        len(value or ""),
    )
