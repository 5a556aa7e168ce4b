"""From text to the model: trimmed text, exact decimals, flags, moments; a reason for each row that fails.

What a column holds is its type in `model`, so a new document is one row in `rules`. Odd but real values
are kept (a price of 0, a date of 2055); a value that cannot be read is never a silent null. Nothing
here knows XML, files or chains.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import polars as pl
import pyarrow as pa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.dialects import UNKNOWN_WORDS
from gogobe_dagster.parsing.rejects import INEXACT, reasons_of, samples_of
from gogobe_dagster.parsing.report import ROW_NUMBER, Reject
from gogobe_dagster.parsing.rules import RULES, Rules

FILE_ID: Final = "file_id"
ZONE: Final = "Asia/Jerusalem"
FLAGS: Final = dict.fromkeys(("1", "true", "True", "TRUE", "כן"), True) | dict.fromkeys(
    ("0", "false", "False", "FALSE", "לא"), False
)
DATE_FORMS: Final = {
    "0000-00-00 00:00:00": "%Y-%m-%d %H:%M:%S",
    "0000-00-00 00:00": "%Y-%m-%d %H:%M",
    "0000/00/00 00:00": "%Y/%m/%d %H:%M",
    "0000-00-00T00:00:00": "%Y-%m-%dT%H:%M:%S",
    "0000-00-00T00:00:00.000": "%Y-%m-%dT%H:%M:%S%.f",
    "0000-00-00": "%Y-%m-%d",
    "0000/00/00": "%Y/%m/%d",
    "0000/00/00 00:00:00": "%Y/%m/%d %H:%M:%S",
    "0000-00-00T00:00": "%Y-%m-%dT%H:%M",
    "0000-00-00 00:00:00.000": "%Y-%m-%d %H:%M:%S%.f",
    "00/00/0000 00:00:00": "%d/%m/%Y %H:%M:%S",
    "00/00/0000 00:00": "%d/%m/%Y %H:%M",
    "00/00/0000": "%d/%m/%Y",
    "00000000000000": "%Y%m%d%H%M%S",
    "00000000": "%Y%m%d",
    "Dec 00 0000 00:0": "%b %d %Y %H:%M",  # SQL Server's own, as in `Dec 29 2014 12:0`
}
"""What a date looks like, every digit as a 0, and how it is read."""
DIGIT: Final = re.compile("[0-9]")
NEVER: Final = r"^(?:0001|1753|1899|1900)-|^[0-9]{2}/[0-9]{2}/(?:0001|1753|1899|1900)"
"""How programs write a moment that never was, such as 1899-12-30."""
FIRST_YEAR: Final = 1901


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
    return normalise_by(raw, RULES[document])


def normalise_by(raw: pl.DataFrame, rules: Rules) -> Normalised:
    """Read by rules of one's own, where a document is more than one table."""
    fields = [field for field in rules.schema if field.name not in {FILE_ID, ROW_NUMBER}]
    strings = raw.select(
        _trimmed(raw, field.name, rules) for field in fields if pa.types.is_string(field.type)
    )
    read = [
        _limited(strings[field.name], rules)
        if field.name in strings.columns
        else _column(_source(raw, field.name, rules), field.type, rules)
        for field in fields
    ]
    typed = pl.DataFrame([raw[ROW_NUMBER], *(column for column, _ in read)])
    notes = ("rounded_numbers",) if any(_is_rounded(raw, field, rules) for field in fields) else ()
    is_clean = all(ok for _, ok in read) and not any(typed[name].null_count() for name in rules.missing)
    if is_clean:
        return _unique(typed, rules, notes=notes)
    kinds = {field.name: field.type for field in fields}
    text = pl.DataFrame(
        [raw[ROW_NUMBER], *(_stated(_source(raw, name, rules), kind) for name, kind in kinds.items())]
    )
    reasons = reasons_of(text, typed, kinds, rules)
    return _unique(
        typed.filter(reasons.is_null()),
        rules,
        reasons=dict(sorted(reasons.drop_nulls().value_counts().iter_rows())),
        samples=samples_of(text, reasons),
        notes=notes,
    )


def civil_to_utc(naive: pl.Series) -> pl.Series:
    """Read civil time of Israel; the hour that autumn repeats is its first passing.

    The hour that spring skips is read on the clock of the winter before it, as a program does that was
    not told.
    """
    local = naive.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    moments = local.dt.convert_time_zone("UTC")
    if moments.null_count() == naive.null_count():
        return moments
    winter = naive.dt.offset_by("-2h").dt.replace_time_zone("UTC")
    return moments.zip_with(moments.is_not_null(), winter)


# ---------------------------------------------------------------- reading


def _trimmed(raw: pl.DataFrame, name: str, rules: Rules) -> pl.Expr:
    """Trim, and take the words for "not known" as null."""
    if name not in raw.columns:
        return pl.repeat(rules.defaults.get(name), pl.len(), dtype=pl.String).alias(name)
    text = pl.col(name).str.strip_chars()
    known = pl.when(~text.is_in(UNKNOWN_WORDS)).then(text)
    return known.fill_null(rules.defaults[name]) if name in rules.defaults else known


def _limited(text: pl.Series, rules: Rules) -> tuple[pl.Series, bool]:
    longest = rules.longest.get(text.name)
    if longest is None or not (is_long := text.str.len_bytes() > longest).any():
        return text, True
    return text.set(is_long, None), False


def _source(raw: pl.DataFrame, name: str, rules: Rules) -> pl.Series:
    """Return the column as text, absent or not; trimmed only where a default needs it."""
    if name in raw.columns and name not in rules.defaults:
        return raw[name]
    return raw.select(_trimmed(raw, name, rules)).to_series()


def _column(source: pl.Series, kind: Any, rules: Rules) -> tuple[pl.Series, bool]:
    """Read a column, and say whether every value of it could be read."""
    # most columns of most files are written cleanly, and trimming costs as much as reading
    typed = _read(source, kind, rules)
    if typed.null_count() == source.null_count() and not _has_placeholder(typed):
        return typed, True
    text = _stated(source, kind)
    typed = _read(text, kind, rules)
    return typed, typed.null_count() == text.null_count()


def _stated(source: pl.Series, kind: Any) -> pl.Series:
    """Trim, and take the words and dates that mean "not known" as null."""
    text = source.str.strip_chars()
    text = text.set(text.is_in(UNKNOWN_WORDS), None)
    return text.set(text.str.contains(NEVER), None) if pa.types.is_timestamp(kind) else text


def _read(text: pl.Series, kind: Any, rules: Rules) -> pl.Series:
    """Read a column as its type in the model; what cannot be read is null."""
    if text.null_count() == len(text):
        return text.cast(_polars_type(kind))
    if pa.types.is_timestamp(kind):
        return _moments(text)
    if pa.types.is_boolean(kind):
        return _flags(text)
    read = text.cast(_polars_type(kind), strict=False)
    return read.set(text.str.contains(INEXACT), None) if text.name in rules.exact else read


def _flags(text: pl.Series) -> pl.Series:
    is_one = text == "1"
    if (is_one | (text == "0")).sum() == len(text) - text.null_count():
        return is_one
    return text.replace_strict(FLAGS, default=None, return_dtype=pl.Boolean)


def _is_rounded(raw: pl.DataFrame, field: Any, rules: Rules) -> bool:
    """Say whether numbers have more decimals than the model keeps."""
    if field.name not in raw.columns or field.name in rules.exact or not pa.types.is_decimal(field.type):
        return False
    return bool(raw[field.name].str.contains(INEXACT).any())


@cache
def _polars_type(kind: Any) -> pl.DataType:
    return pl.Schema(pa.schema([("one", kind)]))["one"]


def _moments(text: pl.Series) -> pl.Series:
    """Read by the form of the first value; what is left, by every other form in turn."""
    naive = _civil(text, _form_of(text.drop_nulls()[0]))
    for form in DATE_FORMS.values():
        if naive.null_count() == text.null_count():
            break
        left = text.set(naive.is_not_null(), None)
        naive = naive.zip_with(naive.is_not_null(), _civil(left, form))
    return civil_to_utc(naive)


def _form_of(date: str) -> str:
    return DATE_FORMS.get(DIGIT.sub("0", date.strip()), "%Y-%m-%d %H:%M:%S")


def _civil(text: pl.Series, form: str) -> pl.Series:
    return text.str.to_datetime(form, time_unit="us", strict=False)


def _has_placeholder(typed: pl.Series) -> bool:
    earliest = typed.dt.year().min() if typed.dtype.is_temporal() else None
    return isinstance(earliest, int) and earliest < FIRST_YEAR


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
