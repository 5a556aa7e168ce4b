"""From text to the model: trimmed text, exact decimals, flags, moments; a reason for each row that fails.

What a column holds is its type in `model`, so a new document is one row in `rules`. Odd but real values
are kept (a price of 0, a date of 2055); a value that cannot be read is never a silent null. Nothing
here knows XML, files or chains.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.dialects import UNKNOWN_WORDS
from gogobe_dagster.parsing.document_rules import MOST_TEXT_BYTES, RULES, Rules
from gogobe_dagster.parsing.reject import Reject
from gogobe_dagster.parsing.rejection import INEXACT, reasons_of, samples_of
from gogobe_dagster.parsing.report import ROW_NUMBER

Numbers = np.ndarray[Any, np.dtype[Any]]

FILE_ID: Final = "file_id"
FILE: Final = "@file"
ROUNDED: Final = "rounded_numbers"
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
ISO_LENGTHS: Final = {len("2026-11-23 07:00"), len("2026-11-23 07:00:05"), len("2026-11-23T07:00:05.123")}
DIGIT: Final = re.compile("[0-9]")
NEVER: Final = r"^(?:0001|1753|1899|1900)-|^[0-9]{2}/[0-9]{2}/(?:0001|1753|1899|1900)"
"""How programs write a moment that never was, such as 1899-12-30."""
FIRST_CHANGE, LAST_CHANGE = datetime(1900, 1, 1), datetime(2101, 1, 1)  # noqa: DTZ001 - UTC where used
YEAR_1901: Final = int(datetime(1901, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


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
    typed = as_typed(raw, rules)
    notes = (ROUNDED,) if is_rounded(raw, rules).any() else ()
    if typed.is_clean:
        return _unique(typed.rows, rules, notes=notes)
    text, reasons = _judged(raw, typed.rows, rules)
    return _unique(
        typed.rows.filter(reasons.is_null()),
        rules,
        reasons=dict(sorted(reasons.drop_nulls().value_counts().iter_rows())),
        samples=samples_of(text, reasons),
        notes=notes,
    )


def normalise_many(raw: pl.DataFrame, lengths: Sequence[int], document: Document) -> list[Normalised]:
    """Read the rows of many files at once, which stand one after another: so many of each.

    The result is that of `normalise` for each, which costs 3 ms however small the file is.
    """
    rules = RULES[document]
    typed = as_typed(raw, rules)
    done = parted(typed.rows, is_rounded(raw, rules), lengths, document)
    if not typed.is_clean:
        starts = np.cumsum([0, *lengths]).tolist()
        is_rejected = _judged(raw, typed.rows, rules)[1].is_not_null()
        for number in _files(lengths).filter(is_rejected).unique():
            done[number] = normalise(raw.slice(starts[number], lengths[number]), document)
    return done


def parted(
    rows: pl.DataFrame, rounded: pl.Series, lengths: Sequence[int], document: Document
) -> list[Normalised]:
    """Give each of many files its rows, which are all clean."""
    rules, files = RULES[document], _files(lengths)
    are_repeated, are_rounded = set[int](), set(files.filter(rounded))
    if len(lengths) > 1 or rows[rules.key[0]].n_unique() < len(rows):
        are_repeated = set(files.filter(rows.select(files, *rules.key).is_duplicated()))
    starts = np.cumsum([0, *lengths]).tolist()
    parts = []
    for number, (start, length) in enumerate(zip(starts, lengths, strict=False)):
        some, notes = rows.slice(start, length), (ROUNDED,) if number in are_rounded else ()
        parts.append(_unique(some, rules, notes=notes) if number in are_repeated else _clean(some, notes))
    return parts


def _clean(rows: pl.DataFrame, notes: tuple[str, ...]) -> Normalised:
    return Normalised(rows=rows, duplicates=0, reasons={}, samples=[], notes=notes)


def _files(lengths: Sequence[int]) -> pl.Series:
    return pl.Series(FILE, np.repeat(np.arange(len(lengths)), lengths))


def civil_to_utc(naive: pl.Series) -> pl.Series:
    """Read civil time of Israel; the hour that autumn repeats is its first passing.

    The hour that spring skips is read on the clock of the winter before it, as a program does that was
    not told.
    """
    from_then_on, offsets = _changes_of_clock()
    physical = naive.to_physical()
    civil = (physical.fill_null(0) if naive.null_count() else physical).to_numpy()
    if len(civil):  # of two centuries, a file is about a year or two
        first, last = np.searchsorted(from_then_on, [civil.min(), civil.max()], side="right").tolist()
        from_then_on, offsets = from_then_on[first:last], offsets[first:]
    moments = pl.Series(naive.name, civil - offsets[np.searchsorted(from_then_on, civil, side="right")])
    utc = moments.cast(pl.Datetime("us", "UTC"))
    return utc.set(naive.is_null(), None) if naive.null_count() else utc


@cache
def _changes_of_clock() -> tuple[Numbers, Numbers]:
    """Return when Israel's clocks change, by the clock, and their offsets from UTC, one more; microseconds.

    Polars knows; a table of its answers is five times as fast as asking it for every moment.
    """
    days = pl.datetime_range(FIRST_CHANGE, LAST_CHANGE, "1d", time_unit="us", time_zone="UTC", eager=True)
    changed = days.filter(_offset(days) != _offset(days).shift(-1))
    hours = pl.concat([changed + timedelta(hours=hour) for hour in range(25)]).unique().sort()
    offsets = _offset(hours).to_numpy()
    at = np.flatnonzero(np.diff(offsets)) + 1
    before, after = offsets[at - 1], offsets[at]
    moments = hours.to_physical().to_numpy()[at] + np.maximum(before, after)
    return moments, np.concatenate((before[:1], after))


def _offset(utc: pl.Series) -> pl.Series:
    here = utc.dt.convert_time_zone(ZONE).dt.replace_time_zone(None)
    return here.to_physical() - utc.to_physical()


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class Typed:
    """Rows as the model's types, before any of them is rejected."""

    rows: pl.DataFrame
    is_clean: bool
    """Whether every value could be read and none is missing that has to be there."""


def as_typed(raw: pl.DataFrame, rules: Rules) -> Typed:
    """Read every value; what cannot be read is null."""
    texts = _texts(raw, rules)
    read = [
        texts[field.name]
        if pa.types.is_string(field.type)
        else _column(_source(raw, field.name, rules), field.type, rules)
        for field in _fields(rules)
    ]
    typed = pl.DataFrame([raw[ROW_NUMBER], *(column for column, _ in read)])
    is_clean = all(ok for _, ok in read) and not any(typed[name].null_count() for name in rules.missing)
    return Typed(typed, is_clean)


def _texts(raw: pl.DataFrame, rules: Rules) -> dict[str, tuple[pl.Series, bool]]:
    """Trim the columns that stay text, and say of each whether every value of it can be taken.

    All at once, as asking Polars costs more than many an answer.
    """
    names = [field.name for field in _fields(rules) if pa.types.is_string(field.type)]
    trimmed = raw.select(pl.col([name for name in names if name in raw.columns]).str.strip_chars())
    is_unknown = trimmed.select(pl.all().is_in(UNKNOWN_WORDS).any())
    longest = trimmed.select(pl.all().str.len_bytes().max())
    texts = {}
    for name in names:
        text = trimmed[name] if name in trimmed.columns else _absent(raw, name)
        if name in trimmed.columns and is_unknown.item(0, name):
            text = _known(text)
        if default := rules.defaults.get(name):
            text = text.fill_null(default)
        most = rules.longest.get(name, MOST_TEXT_BYTES)
        is_taken = name not in trimmed.columns or (longest.item(0, name) or 0) <= most
        texts[name] = (text, True) if is_taken else (text.set(text.str.len_bytes() > most, None), False)
    return texts


def _absent(raw: pl.DataFrame, name: str) -> pl.Series:
    return pl.Series(name, [None], pl.String).new_from_index(0, len(raw))


def _fields(rules: Rules) -> list[Any]:
    return [field for field in rules.schema if field.name not in {FILE_ID, ROW_NUMBER}]


def _judged(raw: pl.DataFrame, typed: pl.DataFrame, rules: Rules) -> tuple[pl.DataFrame, pl.Series]:
    """Return the text that was read, and the reason why a row cannot be taken."""
    kinds = {field.name: field.type for field in _fields(rules)}
    text = pl.DataFrame(
        [raw[ROW_NUMBER], *(_stated(_source(raw, name, rules), kind) for name, kind in kinds.items())]
    )
    return text, reasons_of(text, typed, kinds, rules)


def _trimmed(raw: pl.DataFrame, name: str, rules: Rules) -> pl.Series:
    """Trim, and take the words for "not known" as null."""
    text = _known(raw[name].str.strip_chars()) if name in raw.columns else _absent(raw, name)
    default = rules.defaults.get(name)
    return text if default is None else text.fill_null(default)


def _known(text: pl.Series) -> pl.Series:
    """Take the words for "not known" as null."""
    is_unknown = text.is_in(UNKNOWN_WORDS)
    return text.set(is_unknown, None) if is_unknown.any() else text


def _source(raw: pl.DataFrame, name: str, rules: Rules) -> pl.Series:
    """Return the column as text, absent or not; trimmed only where a default needs it."""
    if name in raw.columns and name not in rules.defaults:
        return raw[name]
    return _trimmed(raw, name, rules)


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
    text = _known(source.str.strip_chars())
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
    if text.name in rules.exact and (is_inexact := text.str.contains(INEXACT)).any():
        return read.set(is_inexact, None)
    return read


def _flags(text: pl.Series) -> pl.Series:
    is_one = text == "1"
    if (is_one | (text == "0")).sum() == len(text) - text.null_count():
        return is_one
    return text.replace_strict(FLAGS, default=None, return_dtype=pl.Boolean)


def is_rounded(raw: pl.DataFrame, rules: Rules) -> pl.Series:
    """Say which rows have numbers with more decimals than the model keeps."""
    names = [
        field.name
        for field in _fields(rules)
        if pa.types.is_decimal(field.type) and field.name in raw.columns and field.name not in rules.exact
    ]
    if not names:
        return pl.repeat(value=False, n=len(raw), dtype=pl.Boolean, eager=True)
    is_inexact = pl.any_horizontal(pl.col(name).str.contains(INEXACT) for name in names)
    return raw.select(is_inexact.fill_null(value=False)).to_series()


@cache
def _polars_type(kind: Any) -> pl.DataType:
    return pl.Schema(pa.schema([("one", kind)]))["one"]


def _moments(text: pl.Series) -> pl.Series:
    """Read by the form of the first value; what is left, by every other form in turn."""
    naive = _civil(text, _form_of(text.drop_nulls()[0] if text.null_count() else text[0]))
    for form in DATE_FORMS.values():
        if naive.null_count() == text.null_count():
            break
        left = text.set(naive.is_not_null(), None)
        naive = naive.zip_with(naive.is_not_null(), _civil(left, form))
    return civil_to_utc(naive)


def _form_of(date: str) -> str:
    return DATE_FORMS.get(DIGIT.sub("0", date.strip()), "%Y-%m-%d %H:%M:%S")


def _civil(text: pl.Series, form: str) -> pl.Series:
    if form.startswith("%Y-") and (quickly := _iso(text)) is not None:
        return quickly
    return text.str.to_datetime(form, time_unit="us", strict=False)


def _iso(text: pl.Series) -> pl.Series | None:
    """Read ISO dates of one length with Arrow, which takes a third of the time; it stops at an odd one."""
    length = text.str.len_bytes()
    # Arrow also takes hours alone, which we know no program to write
    if length.min() != length.max() or length.min() not in ISO_LENGTHS:
        return None
    try:
        moments = pc.cast(text.to_arrow(), pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    return pl.Series(text.name, moments)


def _has_placeholder(typed: pl.Series) -> bool:
    earliest = typed.to_physical().min() if typed.dtype.is_temporal() else None
    return isinstance(earliest, int) and earliest < YEAR_1901


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
