"""Normalizes text to the types of the model: trimmed text, exact decimals, booleans and timestamps.

The type of a column is in `model`, its rules are in `document_rules`, forms of dates are in `dates`. Odd but
real values are kept (a price of 0, a date in 2055). A value that cannot be read never becomes a silent null:
either its row is rejected with a reason, or the value is null, counted, and shown in a sample. Nothing here
knows XML, files or chains.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.notes import Note
from gogobe_dagster.parsing.dates import PLACEHOLDER, has_placeholder, parse_timestamps
from gogobe_dagster.parsing.dialects import NULL_TEXTS, ZEROS
from gogobe_dagster.parsing.document_rules import MAX_TEXT_BYTES, RULES, Rules
from gogobe_dagster.parsing.reject import Reject
from gogobe_dagster.parsing.reject_reasons import INEXACT, Flaws, find_flaws
from gogobe_dagster.parsing.report import ROW_NUMBER

FILE_ID: Final = "file_id"
FILE: Final = "@file"
BOOLEANS: Final = dict.fromkeys(("1", "true", "True", "TRUE", "כן"), True) | dict.fromkeys(
    ("0", "false", "False", "FALSE", "לא"), False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedRows:
    """The rows of the model without file_id, and the counts of the others."""

    rows: pl.DataFrame
    duplicates: int
    reasons: dict[str, int]
    samples: list[Reject]
    notes: tuple[str, ...]
    unreadable: Mapping[str, int] = field(default_factory=dict)
    """The number of values that cannot be read and are null, by column."""
    listed_only: pl.DataFrame = field(default_factory=pl.DataFrame)
    """Rejected rows of things that the document lists, but not in any row of `rows`; each thing once."""


def normalize(raw: pl.DataFrame, document: Document) -> NormalizedRows:
    """Normalize text columns to the types of the model; absent columns are null."""
    return normalize_with(raw, RULES[document])


def normalize_with(raw: pl.DataFrame, rules: Rules) -> NormalizedRows:
    """Normalize by these rules, where a document has more than one table."""
    typed = parse_types(raw, rules)
    notes = (Note.ROUNDED_NUMBERS,) if is_rounded(raw, rules).any() else ()
    if typed.is_clean:
        return _keep_last(typed.rows, rules, notes)
    flaws = _find_flaws(raw, typed.rows, rules)
    is_rejected = flaws.reasons.is_not_null()
    clean = _keep_last(_with_defaults(typed.rows.filter(~is_rejected), rules), rules, notes)
    unreadable = flaws.count_unreadable()
    return replace(
        clean,
        reasons=dict(sorted(flaws.reasons.drop_nulls().value_counts().iter_rows())),
        samples=flaws.samples(),
        notes=(*notes, *([Note.UNREADABLE_FIELDS] if unreadable else [])),
        unreadable=unreadable,
        listed_only=_listed_only(typed.rows.filter(is_rejected), clean.rows, rules),
    )


def _with_defaults(rows: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Let a value that cannot be read have the default of one that is absent."""
    return rows.with_columns(
        pl.col(name).fill_null(pl.lit(text).cast(rows.schema[name])) for name, text in rules.defaults.items()
    )


def _listed_only(rejected: pl.DataFrame, rows: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Keep rejected rows of things that no other row is about."""
    if rules.listed_by is None:
        return rejected.clear()
    named = rejected.filter(pl.col(rules.listed_by).is_not_null())
    others = named.join(rows, on=rules.listed_by, how="anti", maintain_order="left")
    return others.unique(rules.listed_by, keep="last", maintain_order=True)


def normalize_batch(raw: pl.DataFrame, lengths: Sequence[int], document: Document) -> list[NormalizedRows]:
    """Normalize the rows of many documents at once; `lengths` are the rows of each.

    The result is that of `normalize` for each, which takes 3 ms however small the document is.
    """
    rules = RULES[document]
    typed = parse_types(raw, rules)
    done = split_by_document(typed.rows, is_rounded(raw, rules), lengths, document)
    if not typed.is_clean:
        starts = np.cumsum([0, *lengths]).tolist()
        for number in _files(lengths).filter(_find_flaws(raw, typed.rows, rules).has_any()).unique():
            done[number] = normalize(raw.slice(starts[number], lengths[number]), document)
    return done


def split_by_document(
    rows: pl.DataFrame, rounded: pl.Series, lengths: Sequence[int], document: Document
) -> list[NormalizedRows]:
    """Split normalized rows, none of which is rejected, by document."""
    rules, files = RULES[document], _files(lengths)
    are_repeated, are_rounded = set[int](), set(files.filter(rounded))
    if len(lengths) > 1 or rows[rules.key[0]].n_unique() < len(rows):
        are_repeated = set(files.filter(rows.select(files, *rules.key).is_duplicated()))
    starts = np.cumsum([0, *lengths]).tolist()
    parts = []
    for number, (start, length) in enumerate(zip(starts, lengths, strict=False)):
        some, notes = rows.slice(start, length), (Note.ROUNDED_NUMBERS,) if number in are_rounded else ()
        parts.append(_keep_last(some, rules, notes) if number in are_repeated else _clean(some, notes))
    return parts


def _clean(rows: pl.DataFrame, notes: tuple[str, ...]) -> NormalizedRows:
    return NormalizedRows(rows=rows, duplicates=0, reasons={}, samples=[], notes=notes)


def _files(lengths: Sequence[int]) -> pl.Series:
    return pl.Series(FILE, np.repeat(np.arange(len(lengths)), lengths))


# ---------------------------------------------------------------- types


@dataclass(frozen=True, slots=True)
class TypedRows:
    """Rows as the model's types, before any of them is rejected."""

    rows: pl.DataFrame
    is_clean: bool
    """Whether every value could be read and no required one is missing."""


def parse_types(raw: pl.DataFrame, rules: Rules) -> TypedRows:
    """Parse every value; what cannot be read is null."""
    texts = _texts(raw, rules)
    read = [
        texts[field.name]
        if pa.types.is_string(field.type)
        else _parse_column(_source(raw, field.name, rules), field.type, rules)
        for field in _fields(rules)
    ]
    typed = pl.DataFrame([raw[ROW_NUMBER], *(column for column, _ in read)])
    is_clean = all(ok for _, ok in read) and not any(typed[name].null_count() for name in rules.missing)
    return TypedRows(typed, is_clean)


def _texts(raw: pl.DataFrame, rules: Rules) -> dict[str, tuple[pl.Series, bool]]:
    """Trim the columns that stay text; return for each whether no value is too long.

    All at once: a call of Polars costs more than the work on most columns.
    """
    names = [field.name for field in _fields(rules) if pa.types.is_string(field.type)]
    trimmed = raw.select(pl.col([name for name in names if name in raw.columns]).str.strip_chars())
    unknown = {name: _null_texts(name, rules) for name in trimmed.columns}
    is_unknown = trimmed.select(pl.col(name).is_in(texts).any() for name, texts in unknown.items())
    longest = trimmed.select(pl.all().str.len_bytes().max())
    texts = {}
    for name in names:
        text = trimmed[name] if name in trimmed.columns else _absent(raw, name)
        if name in trimmed.columns and is_unknown.item(0, name):
            text = _unknown_to_null(text, unknown[name])
        if default := rules.defaults.get(name):
            text = text.fill_null(default)
        most = rules.longest.get(name, MAX_TEXT_BYTES)
        is_taken = name not in trimmed.columns or (longest.item(0, name) or 0) <= most
        texts[name] = (text, True) if is_taken else (text.set(text.str.len_bytes() > most, None), False)
    return texts


def _absent(raw: pl.DataFrame, name: str) -> pl.Series:
    return pl.Series(name, [None], pl.String).new_from_index(0, len(raw))


def _fields(rules: Rules) -> list[Any]:
    return [field for field in rules.schema if field.name not in {FILE_ID, ROW_NUMBER}]


def _find_flaws(raw: pl.DataFrame, typed: pl.DataFrame, rules: Rules) -> Flaws:
    kinds = {field.name: field.type for field in _fields(rules)}
    cleaned = [
        _clean_nulls(_source(raw, name, rules), kind, _null_texts(name, rules))
        for name, kind in kinds.items()
    ]
    return find_flaws(pl.DataFrame([raw[ROW_NUMBER], *cleaned]), typed, kinds, rules)


def _trimmed(raw: pl.DataFrame, name: str, rules: Rules) -> pl.Series:
    """Trim, and replace the texts for "unknown" by null."""
    unknown = _null_texts(name, rules)
    text = (
        _unknown_to_null(raw[name].str.strip_chars(), unknown) if name in raw.columns else _absent(raw, name)
    )
    default = rules.defaults.get(name)
    return text if default is None else text.fill_null(default)


def _null_texts(name: str, rules: Rules) -> frozenset[str]:
    return NULL_TEXTS | ZEROS if name in rules.zeros_unknown else NULL_TEXTS


def _unknown_to_null(text: pl.Series, unknown: frozenset[str]) -> pl.Series:
    """Replace the texts for "unknown" by null."""
    is_unknown = text.is_in(unknown)
    return text.set(is_unknown, None) if is_unknown.any() else text


def _source(raw: pl.DataFrame, name: str, rules: Rules) -> pl.Series:
    """Return the column as text, nulls if it is absent; trimmed only where a default needs it."""
    if name in raw.columns and name not in rules.defaults:
        return raw[name]
    return _trimmed(raw, name, rules)


def _parse_column(source: pl.Series, kind: Any, rules: Rules) -> tuple[pl.Series, bool]:
    """Parse a column; return also whether every value could be read."""
    # Most columns of most files are written cleanly, and trimming costs as much as parsing.
    typed = _parse(source, kind, rules)
    if typed.null_count() == source.null_count() and not has_placeholder(typed):
        return typed, True
    text = _clean_nulls(source, kind, NULL_TEXTS)
    typed = _parse(text, kind, rules)
    return typed, typed.null_count() == text.null_count()


def _clean_nulls(source: pl.Series, kind: Any, unknown: frozenset[str]) -> pl.Series:
    """Trim, and replace texts and dates that mean "unknown" by null."""
    text = _unknown_to_null(source.str.strip_chars(), unknown)
    return text.set(text.str.contains(PLACEHOLDER), None) if pa.types.is_timestamp(kind) else text


def _parse(text: pl.Series, kind: Any, rules: Rules) -> pl.Series:
    """Parse a column as its type in the model; what cannot be read is null."""
    if text.null_count() == len(text):
        return text.cast(_polars_type(kind))
    if pa.types.is_timestamp(kind):
        return parse_timestamps(text)
    if pa.types.is_boolean(kind):
        return _booleans(text)
    read = text.cast(_polars_type(kind), strict=False)
    if text.name in rules.exact and (is_inexact := text.str.contains(INEXACT)).any():
        return read.set(is_inexact, None)
    return read


def _booleans(text: pl.Series) -> pl.Series:
    is_one = text == "1"
    if (is_one | (text == "0")).sum() == len(text) - text.null_count():
        return is_one
    return text.replace_strict(BOOLEANS, default=None, return_dtype=pl.Boolean)


def is_rounded(raw: pl.DataFrame, rules: Rules) -> pl.Series:
    """Tell which rows have numbers with more decimals than the model keeps."""
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


def _keep_last(rows: pl.DataFrame, rules: Rules, notes: tuple[str, ...]) -> NormalizedRows:
    """Keep the last of the rows with the same key."""
    last = rows
    if rows[rules.key[0]].n_unique() < len(rows):
        last = rows.unique(subset=rules.key, keep="last", maintain_order=True).sort(ROW_NUMBER)
    return replace(_clean(last, notes), duplicates=len(rows) - len(last))
