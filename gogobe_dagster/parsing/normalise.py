"""From text to the model: trimmed text, exact decimals, flags, moments; a reason for each row that fails.

What a column holds is its type in `model`, so a new document is one row in `RULES`. Odd but real values
are kept (a price of 0, a date of 2055); a value that cannot be read is never a silent null. Nothing
here knows XML, files or chains.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import pyarrow as pa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.dialects import UNKNOWN_WORDS
from gogobe_dagster.parsing.model import PRICES, STORES
from gogobe_dagster.parsing.report import LONGEST_SAMPLE, MOST_SAMPLES, ROW_NUMBER, Reject

FILE_ID: Final = "file_id"
REASON: Final = "@reason"
TURN: Final = "@turn"
READ: Final = "read "
ZONE: Final = "Asia/Jerusalem"
MOST_CODE_CHARACTERS: Final = 64
"""The longest real code has 14; longer than this is no code, and too long for an index."""
INEXACT: Final = r"\.[0-9]{4}[0-9]*[1-9]|[eE]"
"""More than the four decimals that the model keeps, or a power of ten."""
NUMBER: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)$"
INTEGER: Final = r"^[+-]?[0-9]+$"
FLAGS: Final = dict.fromkeys(("1", "true", "True", "TRUE", "כן"), True) | dict.fromkeys(
    ("0", "false", "False", "FALSE", "לא"), False
)
DATE_FORMS: Final = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y%m%d%H%M%S",
    "%Y%m%d",
    "%b %d %Y %H:%M",  # `Dec 29 2014 12:0`, SQL Server's own
)
NEVER: Final = r"^(?:0001|1753|1899|1900)-|^[0-9]{2}/[0-9]{2}/(?:0001|1753|1899|1900)"
"""How programs write a moment that never was, such as 1899-12-30."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is particular to a document, beside its schema."""

    schema: pa.Schema
    key: tuple[str, ...]
    """Rows that agree in these speak of the same thing; the last statement counts."""
    missing: Mapping[str, str]
    """Reason when a column that must be there is not."""
    unreadable: Mapping[str, str]
    """Reason when a column cannot be read, where the type's own reason is too general."""
    defaults: Mapping[str, str]
    exact: frozenset[str]
    """Numbers that are never rounded."""
    longest: Mapping[str, int]


RULES: Final = {
    Document.PRICES: Rules(
        schema=PRICES,
        key=("code", "article"),
        missing={"code": "no_code", "price": "no_price"},
        unreadable={"price": "bad_price"},
        defaults={},
        exact=frozenset({"price"}),
        longest={"code": MOST_CODE_CHARACTERS},
    ),
    Document.STORES: Rules(
        schema=STORES,
        key=("chain_id", "sub_chain_id", "store_id"),
        missing={"chain_id": "no_chain", "store_id": "no_store"},
        unreadable={},
        defaults={"sub_chain_id": "0"},
        exact=frozenset(),
        longest={"chain_id": MOST_CODE_CHARACTERS},
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """The rows of the model without file_id, and what became of the others."""

    rows: pl.DataFrame
    duplicates: int
    reasons: dict[str, int]
    samples: list[Reject]
    notes: tuple[str, ...]


def normalise(raw: pl.DataFrame, document: Document) -> Normalised:
    """Read text columns as the model's types; absent columns are null."""
    rules = RULES[document]
    columns = {field.name: field.type for field in rules.schema if field.name not in {FILE_ID, ROW_NUMBER}}
    text = raw.select(ROW_NUMBER, *(_trimmed(name, kind, raw, rules) for name, kind in columns.items()))
    typed = text.select(ROW_NUMBER, *(_read(text[name], kind, rules) for name, kind in columns.items()))
    notes = _remarks(text, columns, rules)
    if _is_clean(text, typed, rules):
        return _unique(typed, rules, notes=notes)
    reasons = _reasons(text, typed, columns, rules)
    return _unique(
        typed.filter(reasons.is_null()),
        rules,
        reasons=dict(sorted(reasons.drop_nulls().value_counts().iter_rows())),
        samples=_samples(text, reasons),
        notes=notes,
    )


def civil_to_utc(naive: pl.Expr) -> pl.Expr:
    """Read civil time of Israel; the hour that autumn repeats is its first passing.

    The hour that spring skips is read on the clock of the winter before it, as a program does that was
    not told.
    """
    local = naive.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    return pl.coalesce(
        local.dt.convert_time_zone("UTC"), naive.dt.offset_by("-2h").dt.replace_time_zone("UTC")
    )


# ---------------------------------------------------------------- reading


def _trimmed(name: str, kind: Any, raw: pl.DataFrame, rules: Rules) -> pl.Expr:
    """Trim, and take the words for "not known" as null."""
    if name not in raw.columns:
        return pl.lit(rules.defaults.get(name), pl.String).alias(name)
    text = pl.col(name).str.strip_chars()
    is_known = ~text.is_in(UNKNOWN_WORDS)
    if pa.types.is_timestamp(kind):
        is_known &= ~text.str.contains(NEVER)
    known = pl.when(is_known).then(text)
    return known.fill_null(rules.defaults[name]) if name in rules.defaults else known


def _read(text: pl.Series, kind: Any, rules: Rules) -> pl.Series:
    """Read a column as its type in the model; what cannot be read is null."""
    if text.null_count() == len(text):
        return text.cast(_polars_type(kind))
    if pa.types.is_timestamp(kind):
        return _moments(text)
    if pa.types.is_boolean(kind):
        return text.replace_strict(FLAGS, default=None, return_dtype=pl.Boolean)
    if pa.types.is_string(kind):
        longest = rules.longest.get(text.name)
        return text if longest is None else text.set(text.str.len_chars() > longest, None)
    read = text.cast(_polars_type(kind), strict=False)
    return read.set(text.str.contains(INEXACT), None) if text.name in rules.exact else read


def _polars_type(kind: Any) -> pl.DataType:
    return pl.Schema(pa.schema([("one", kind)]))["one"]


def _moments(text: pl.Series) -> pl.Series:
    """Try the forms one by one, each on what is left; a file mostly has one form."""
    naive = text.clear(len(text)).cast(pl.Datetime("us"))
    for form in DATE_FORMS:
        left = text.set(naive.is_not_null(), None)
        naive = naive.zip_with(naive.is_not_null(), left.str.to_datetime(form, time_unit="us", strict=False))
        if naive.null_count() == text.null_count():
            break
    return naive.to_frame().select(civil_to_utc(pl.col(text.name))).to_series()


# ---------------------------------------------------------------- judging


def _is_clean(text: pl.DataFrame, typed: pl.DataFrame, rules: Rules) -> bool:
    return all(text[name].null_count() == 0 for name in rules.missing) and text.null_count().equals(
        typed.null_count()
    )


def _reasons(text: pl.DataFrame, typed: pl.DataFrame, columns: Mapping[str, Any], rules: Rules) -> pl.Series:
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


def _remarks(text: pl.DataFrame, columns: Mapping[str, Any], rules: Rules) -> tuple[str, ...]:
    """Say when numbers had more decimals than the model keeps."""
    rounded = [
        name
        for name, kind in columns.items()
        if pa.types.is_decimal(kind) and name not in rules.exact and text[name].str.contains(INEXACT).any()
    ]
    return ("rounded_numbers",) if rounded else ()


def _samples(text: pl.DataFrame, reasons: pl.Series) -> list[Reject]:
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


def _unique(
    rows: pl.DataFrame,
    rules: Rules,
    *,
    reasons: dict[str, int] | None = None,
    samples: list[Reject] | None = None,
    notes: tuple[str, ...],
) -> Normalised:
    """Keep the last statement about each thing."""
    last = rows
    if rows[rules.key[0]].n_unique() < len(rows):
        last = rows.unique(subset=rules.key, keep="last", maintain_order=True).sort(ROW_NUMBER)
    return Normalised(
        rows=last,
        duplicates=len(rows) - len(last),
        reasons=reasons or {},
        samples=samples or [],
        notes=notes,
    )
