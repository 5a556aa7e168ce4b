"""Finds what cannot be read: the reason why a row is rejected, fields that are null, and samples to show."""

from collections.abc import Mapping
from dataclasses import dataclass
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
FIELD: Final = "@field"
OCCURRENCE: Final = "@occurrence"
READ: Final = "read "
"""Prefix of the columns with parsed values, beside those with text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaws:
    """What cannot be read of some rows."""

    text: pl.DataFrame
    """The row number, and all columns as text."""
    reasons: pl.Series
    """The first reason why a row is rejected, or null."""
    unreadable: pl.DataFrame
    """A flag per optional column: whether a row that stays has a value that cannot be read."""

    def has_any(self) -> pl.Series:
        """Return for each row whether there is anything to report."""
        flags = self.unreadable.select(pl.lit(self.reasons.is_not_null()).alias(REASON), pl.all())
        return flags.select(pl.any_horizontal(pl.all())).to_series()

    def count_unreadable(self) -> dict[str, int]:
        """Count the values that cannot be read in rows that stay, by column."""
        counts = self.unreadable.sum().row(0, named=True) if self.unreadable.width else {}
        return {name: count for name, count in sorted(counts.items()) if count}

    def samples(self) -> list[Reject]:
        """Return at most 20 samples: the first of each reason or field before the second of any."""
        rejected = self.text.with_columns(self.reasons.alias(REASON), pl.lit(None, pl.String).alias(FIELD))
        unreadable = [
            self.text.filter(self.unreadable[name])
            .head(MAX_SAMPLES)
            .with_columns(
                pl.lit(RejectReason.UNREADABLE_FIELD.value).alias(REASON), pl.lit(name).alias(FIELD)
            )
            for name in self.count_unreadable()
        ]
        samples = pl.concat([rejected.filter(pl.col(REASON).is_not_null()), *unreadable])
        ranked = samples.with_columns(pl.int_range(pl.len()).over(REASON, FIELD).alias(OCCURRENCE))
        chosen = ranked.sort(OCCURRENCE, ROW_NUMBER, FIELD).head(MAX_SAMPLES)
        return [_reject(row) for row in chosen.sort(ROW_NUMBER, FIELD).iter_rows(named=True)]


def find_flaws(text: pl.DataFrame, typed: pl.DataFrame, columns: Mapping[str, Any], rules: Rules) -> Flaws:
    """Compare text with what was parsed of it: a value that is text and not parsed cannot be read."""
    both = pl.concat([text, typed.select(pl.exclude(ROW_NUMBER).name.prefix(READ))], how="horizontal")
    missing = [
        pl.when(pl.col(name).is_null()).then(pl.lit(str(reason))) for name, reason in rules.missing.items()
    ]
    required = {name: kind for name, kind in columns.items() if name in rules.required}
    reasons = [reason for name, kind in required.items() for reason in _reasons(name, kind, rules)]
    rejected = both.select(pl.coalesce(*missing, *reasons).alias(REASON)).to_series()
    optional = [name for name in columns if name not in rules.required]
    flags = both.select(_is_unreadable(name).alias(name) for name in optional)
    return Flaws(text=text, reasons=rejected, unreadable=flags.select(pl.all() & pl.lit(rejected.is_null())))


def _is_unreadable(name: str) -> pl.Expr:
    return pl.col(name).is_not_null() & pl.col(READ + name).is_null()


def _reasons(name: str, kind: Any, rules: Rules) -> list[pl.Expr]:
    general = RejectReason.BAD_NUMBER
    pattern = INTEGER if pa.types.is_integer(kind) else NUMBER
    is_out_of_range = pl.col(name).str.contains(pattern) & ~pl.col(name).str.contains(INEXACT)
    if pa.types.is_boolean(kind):
        general, is_out_of_range = RejectReason.BAD_FLAG, pl.lit(value=False)
    if pa.types.is_string(kind):
        is_out_of_range = pl.lit(value=True)
    reason = rules.unreadable.get(name, general)
    return [
        pl.when(_is_unreadable(name) & is_out_of_range).then(pl.lit(RejectReason.OUT_OF_RANGE.value)),
        pl.when(_is_unreadable(name)).then(pl.lit(str(reason))),
    ]


def _reject(row: dict[str, Any]) -> Reject:
    number, reason, unreadable = row.pop(ROW_NUMBER), row.pop(REASON), row.pop(FIELD)
    row.pop(OCCURRENCE)
    fields = sorted(row.items(), key=lambda field: (field[0] != unreadable, *_short_first(field)))
    shown = ", ".join(f"{name}={value}" for name, value in fields if value)
    return Reject(row_number=number, reason=reason, sample=shown[:MAX_SAMPLE_LENGTH])


def _short_first(field: tuple[str, str | None]) -> tuple[bool, bool, int]:
    """Sort codes, numbers and dates before names, which fill the sample and explain nothing."""
    name, value = field
    return (
        name in {"description", "name", "manufacturer", "address"},
        name not in {"code", "price"},
        len(value or ""),
    )
