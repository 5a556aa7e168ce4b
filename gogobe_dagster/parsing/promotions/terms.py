"""Turns promotions as text into rows of typed terms, each with the items that it applies to.

A promotion, its groups and its items become one table of terms: of several levels the innermost text counts.
Rows with equal terms become one offer in `offers`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from gogobe_dagster.parsing.dialects import EVERYBODY, NULL_TEXTS, PROMOTIONS
from gogobe_dagster.parsing.document_rules import ITEMS, TERMS
from gogobe_dagster.parsing.normalization import normalize_with
from gogobe_dagster.parsing.promotions.raw import GROUP, IS_GIFT, LINE, RawPromotions
from gogobe_dagster.parsing.reject import Reject
from gogobe_dagster.parsing.report import ROW_NUMBER

DOCUMENT: Final = "document"
"""The number, from 0, of the document among those that are read together."""
ELEMENT: Final = "element"
"""The number of the promotion's XML element, from 1 through all documents that are read together."""
TERMS_ID: Final = "terms_id"
"""The number of a row of terms within a chunk."""
ITEM_COLUMNS: Final = tuple(ITEMS.schema.names)
NO_REMARK: Final = r"^[0.]*$"
"""Super-Pharm writes `0.00` for no restrictions."""
TIME_AFTER_DAY: Final = (
    r"^([0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|[A-Z][a-z]{2} +[0-9]{1,2} [0-9]{4})"
    r"(?:[T ].*|Z|[+-][0-9]{2}:?[0-9]{2})$"
)
HAS_TIME: Final = "[T ][0-9]{1,2}:"
"""Not any colon: a day may have a zone, as in `2026-11-30+02:00`."""
DAY_BEFORE_TIME: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]"
"""Programs write an hour as a timestamp of some day, such as `0001-01-01T23:59:00`."""
LAST_SECOND: Final = " 23:59:59"
BRACKETS: Final = r"(?m)^\s*\(|\)\s*$"
"""Around several clubs in one element: `(2=מועדון קרפור אשראי|2=מועדון אפליקציה)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRows:
    """The terms and items of a chunk, typed, and what was rejected."""

    terms: pl.DataFrame
    """`terms_id`, `element`, `document`, and the terms."""
    items: pl.DataFrame
    """`terms_id`, `element`, and the item; without items whose terms were rejected."""
    rejected_items: int
    """Rejected themselves or with their terms."""
    without_code: pl.Series
    """The elements of accepted items without a code; one of two such items stands here twice."""
    reasons: dict[str, int]
    samples: list[Reject]
    notes: tuple[str, ...]
    unreadable: dict[str, int]
    unread: pl.DataFrame
    """`promotion_id` of the elements that are rejected, where that can be read."""

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to report of any promotion or item."""
        return not (self.reasons or self.samples or self.notes or self.unreadable or len(self.unread))


def extract_terms(raw: RawPromotions, *, before: int = 0) -> TermRows:
    """Read a chunk; `before` is the number of promotions in the chunks before it."""
    items, terms = _number_terms(raw)
    elements = terms[ROW_NUMBER] + before
    read_terms = normalize_with(_text(terms, raw), TERMS)
    read_items = normalize_with(_item_text(items), ITEMS)
    number = read_items.rows[ROW_NUMBER] - 1
    accepted_items = read_items.rows.with_columns(
        (pl.lit(items[IS_GIFT].gather(number)) | pl.col("is_gift").fill_null(value=False)).alias("is_gift"),
        pl.lit(items[TERMS_ID].gather(number)).alias(TERMS_ID),
        pl.lit((items[ROW_NUMBER] + before).gather(number)).alias(ELEMENT),
    ).select(TERMS_ID, ELEMENT, *ITEM_COLUMNS)
    readable = _with_elements(read_terms.rows, elements, _documents(raw, terms[ROW_NUMBER]))
    accepted = readable
    if len(accepted_items) < len(items):
        accepted = _without_emptied(accepted, items, accepted_items)
    if len(accepted) < len(terms):
        accepted = _whole_elements(accepted, terms[ROW_NUMBER] + before)
    if len(accepted) < len(terms):
        accepted_items = accepted_items.join(
            accepted.select(TERMS_ID), on=TERMS_ID, how="semi", maintain_order="left"
        )
    has_code = accepted_items["code"].is_not_null()
    return TermRows(
        terms=accepted,
        items=accepted_items.filter(has_code),
        rejected_items=len(items) - len(accepted_items),
        without_code=accepted_items[ELEMENT].filter(~has_code),
        reasons=_sum(read_terms.reasons, read_items.reasons),
        samples=[
            *_renumber(read_terms.samples, elements),
            *_renumber(read_items.samples, items[ROW_NUMBER] + before),
        ],
        notes=tuple(dict.fromkeys((*read_terms.notes, *read_items.notes))),
        unreadable=_sum(dict(read_terms.unreadable), dict(read_items.unreadable)),
        unread=_unread(readable, read_terms.listed_only, accepted),
    )


def _with_elements(rows: pl.DataFrame, elements: pl.Series, documents: pl.Series) -> pl.DataFrame:
    terms = rows.rename({ROW_NUMBER: TERMS_ID})
    number = terms[TERMS_ID] - 1
    return terms.with_columns(
        pl.lit(elements.gather(number)).alias(ELEMENT), pl.lit(documents.gather(number)).alias(DOCUMENT)
    )


def _documents(raw: RawPromotions, row_numbers: pl.Series) -> pl.Series:
    last_rows = np.cumsum([document.begun for document in raw.documents])
    return pl.Series(DOCUMENT, np.searchsorted(last_rows, row_numbers.to_numpy()).astype(np.int32))


def _whole_elements(accepted: pl.DataFrame, elements: pl.Series) -> pl.DataFrame:
    """Leave out elements of which any terms are rejected: half a deal would be another one."""
    rejected = pl.DataFrame({ELEMENT: elements, TERMS_ID: range(1, len(elements) + 1)})
    rejected = rejected.join(accepted, on=TERMS_ID, how="anti")
    return accepted.join(rejected, on=ELEMENT, how="anti", maintain_order="left")


def _unread(readable: pl.DataFrame, rejected: pl.DataFrame, accepted: pl.DataFrame) -> pl.DataFrame:
    """Return the ids of terms that are not accepted: the document lists their promotions all the same."""
    parts = [rejected] if rejected.width else []
    if len(accepted) < len(readable):
        parts.append(readable.join(accepted, on=TERMS_ID, how="anti", maintain_order="left"))
    ids = [part.select("promotion_id") for part in parts]
    return pl.concat([pl.DataFrame(schema={"promotion_id": pl.String}), *ids])


def _sum(*counts: dict[str, int]) -> dict[str, int]:
    reasons = sorted({reason for count in counts for reason in count})
    return {reason: sum(count.get(reason, 0) for count in counts) for reason in reasons}


def _renumber(samples: Iterable[Reject], elements: pl.Series) -> list[Reject]:
    return [
        Reject(row_number=elements[sample.row_number - 1], reason=sample.reason, sample=sample.sample)
        for sample in samples
    ]


def _without_emptied(
    accepted: pl.DataFrame, items: pl.DataFrame, accepted_items: pl.DataFrame
) -> pl.DataFrame:
    """Leave out terms of which every item was rejected: without items they would apply to nothing."""
    emptied = items.select(TERMS_ID).unique().join(accepted_items, on=TERMS_ID, how="anti")
    return accepted.join(emptied, on=TERMS_ID, how="anti", maintain_order="left")


# ---------------------------------------------------------------- which rows of terms there are


def _number_terms(raw: RawPromotions) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number the rows of terms of a chunk: neighbouring items with equal terms share one."""
    item_terms = [name for name in raw.items.columns if name in PROMOTIONS.columns]
    position = [ROW_NUMBER, GROUP]
    is_new = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift(1)) for name in (*position, *item_terms)
    ).alias("is_new")
    items = raw.items.with_columns(is_new)
    items = items.with_columns(pl.col("is_new").cum_sum().cast(pl.Int32).alias(TERMS_ID))
    terms_of_items = items.filter("is_new").select(
        *position, *(pl.col(name).alias(f"item {name}") for name in item_terms)
    )
    groups = raw.groups.select(position).join(terms_of_items, on=position, how="anti", nulls_equal=True)
    rows = raw.rows.select(ROW_NUMBER).join(terms_of_items, on=ROW_NUMBER, how="anti")
    rows = rows.join(raw.groups, on=ROW_NUMBER, how="anti")
    # those with items first: they have their numbers already
    return items, pl.concat([terms_of_items, groups, rows], how="diagonal")


def _item_text(items: pl.DataFrame) -> pl.DataFrame:
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(ROW_NUMBER)
    return items.select(number, *(name for name in ITEM_COLUMNS if name in items.columns))


def _text(terms: pl.DataFrame, raw: RawPromotions) -> pl.DataFrame:
    """Give each row its terms as text, in the columns of the model."""
    groups = raw.groups.rename({name: f"group {name}" for name in raw.groups.columns[2:]})
    rows = raw.rows.rename({name: f"row {name}" for name in raw.rows.columns[1:]})
    joined = terms.join(groups, on=[ROW_NUMBER, GROUP], how="left", maintain_order="left")
    joined = joined.join(rows, on=ROW_NUMBER, how="left", maintain_order="left")
    texts = {
        column: _innermost([pl.col(name) for name in names])
        for column in PROMOTIONS.columns
        if (
            names := [
                f"{level} {column}" for level in ("item", "group", "row") if f"{level} {column}" in joined
            ]
        )
    }
    text = joined.select(expression.alias(column) for column, expression in texts.items())
    text = text.with_columns(_starts_at(text), _ends_at(text), *_joined(text))
    if "promotion_id" in text.columns:
        number = pl.col("promotion_id").str.strip_chars().str.replace(r"^0+([0-9])", "$1")
        text = text.with_columns(number)
    return text.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(ROW_NUMBER))


def _innermost(levels: list[pl.Expr]) -> pl.Expr:
    """Return the first text that is more than blanks."""
    return levels[0] if len(levels) == 1 else pl.coalesce(map(_nonblank, levels))


def _nonblank(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.strip_chars() != "").then(text)


# ---------------------------------------------------------------- terms written in several fields


def _starts_at(text: pl.DataFrame) -> pl.Expr:
    return _timestamp(text, "starts_at", "start_date", "start_hour", without_hour="")


def _ends_at(text: pl.DataFrame) -> pl.Expr:
    """An offer that ends on a day without an hour is valid through that day."""
    return _timestamp(text, "ends_at", "end_date", "end_hour", without_hour=LAST_SECOND)


def _timestamp(text: pl.DataFrame, whole: str, day: str, hour: str, *, without_hour: str) -> pl.Expr:
    """Return a timestamp that is written in one field, or in a day and an hour."""
    fields = {
        name: _nonblank(pl.col(name)) if name in text.columns else pl.lit(None, pl.String)
        for name in (whole, day, hour)
    }
    day_only = fields[day].str.strip_chars().str.replace(TIME_AFTER_DAY, "$1")
    has_time = fields[day].str.contains(HAS_TIME)
    time = fields[hour].str.strip_chars().str.replace(DAY_BEFORE_TIME, "")
    at_hour = pl.concat_str(day_only, pl.lit(" "), time)
    at_no_hour = pl.when(has_time).then(fields[day]).otherwise(day_only + without_hour)
    return pl.coalesce(fields[whole], at_hour, at_no_hour).alias(whole)


def _joined(text: pl.DataFrame) -> list[pl.Expr]:
    """Join the values of repeated columns, in one order and without the words around them."""
    value = pl.element().str.strip_chars()
    is_remark = ~value.is_in(NULL_TEXTS) & ~value.str.contains(NO_REMARK)
    # Clubs are a code and words (`0 - כלל הלקוחות`, `0=אין`): the code counts, or the words without one.
    words = pl.when(value.is_in(EVERYBODY)).then(pl.lit("0")).when(~value.is_in(NULL_TEXTS)).then(value)
    code = pl.coalesce(value.str.extract(r"^0*([0-9]+)"), words)
    clubs = pl.col("club_ids").str.replace_all(BRACKETS, "").str.replace_all("|", LINE, literal=True)
    lists = {
        "club_ids": clubs.str.split(LINE).list.eval(code.drop_nulls()).list.unique().list.sort(),
        "remarks": pl.col("remarks")
        .str.split(LINE)
        .list.eval(value.filter(is_remark))
        .list.unique(maintain_order=True),
    }
    separators = {"club_ids": ",", "remarks": "; "}
    return [values.list.join(separators[name]) for name, values in lists.items() if name in text.columns]
