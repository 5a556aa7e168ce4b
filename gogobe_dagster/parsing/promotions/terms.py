"""From a reader's text to statements: what one promotion, or a group of it, says in the same terms of items.

Here a promotion, its groups and its items become one table of terms: the innermost that says something
counts. Statements that say the same are made one offer in `offers`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from gogobe_dagster.parsing.dialects import PROMOTIONS, UNKNOWN_WORDS
from gogobe_dagster.parsing.document_rules import ITEMS, TERMS
from gogobe_dagster.parsing.normalization import normalise_by
from gogobe_dagster.parsing.promotions.raw import GROUP, IS_GIVEN, LINE, RawPromotions
from gogobe_dagster.parsing.reject import Reject
from gogobe_dagster.parsing.report import ROW_NUMBER

ELEMENT: Final = "element"
"""The number in the document of the promotion's XML element."""
STATEMENT: Final = "statement"
ITEM_COLUMNS: Final = tuple(ITEMS.schema.names)
NO_REMARK: Final = r"^[0.]*$"
"""Super-Pharm writes `0.00` for no restrictions."""
TIME_AFTER_DAY: Final = (
    r"^([0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|[A-Z][a-z]{2} +[0-9]{1,2} [0-9]{4})[T ].*$"
)
LAST_SECOND: Final = " 23:59:59"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What a piece of a document says, typed, and what of it could not be taken."""

    terms: pl.DataFrame
    """`statement`, `element`, and the terms."""
    items: pl.DataFrame
    """`statement`, `element`, and the item; without items whose statement was rejected."""
    rejected_items: int
    """Rejected for themselves or with their statement."""
    unnamed_items: int
    reasons: dict[str, int]
    samples: list[Reject]
    notes: tuple[str, ...]


def statements_of(raw: RawPromotions, *, before: int = 0) -> Statements:
    """Read a piece; `before` is the number of promotions in the pieces before it."""
    items, terms = _stated(raw)
    elements = terms[ROW_NUMBER] + before
    read_terms = normalise_by(_text(terms, raw), TERMS)
    read_items = normalise_by(_item_text(items), ITEMS)
    number = read_items.rows[ROW_NUMBER] - 1
    named = read_items.rows.with_columns(
        (pl.lit(items[IS_GIVEN].gather(number)) | pl.col("is_gift").fill_null(value=False)).alias("is_gift"),
        pl.lit(items[STATEMENT].gather(number)).alias(STATEMENT),
        pl.lit((items[ROW_NUMBER] + before).gather(number)).alias(ELEMENT),
    ).select(STATEMENT, ELEMENT, *ITEM_COLUMNS)
    taken = read_terms.rows.rename({ROW_NUMBER: STATEMENT})
    taken = taken.with_columns(pl.lit(elements.gather(taken[STATEMENT] - 1)).alias(ELEMENT))
    if len(named) < len(items):
        taken = _without_emptied(taken, items, named)
    if len(taken) < len(terms):
        named = named.join(taken.select(STATEMENT), on=STATEMENT, how="semi", maintain_order="left")
    is_named = named["code"].is_not_null()
    return Statements(
        terms=taken,
        items=named.filter(is_named),
        rejected_items=len(items) - len(named),
        unnamed_items=len(named) - int(is_named.sum()),
        reasons=_sum(read_terms.reasons, read_items.reasons),
        samples=[
            *_placed(read_terms.samples, elements),
            *_placed(read_items.samples, items[ROW_NUMBER] + before),
        ],
        notes=tuple(dict.fromkeys((*read_terms.notes, *read_items.notes))),
    )


def _sum(*counts: dict[str, int]) -> dict[str, int]:
    reasons = sorted({reason for one in counts for reason in one})
    return {reason: sum(one.get(reason, 0) for one in counts) for reason in reasons}


def _placed(samples: Iterable[Reject], elements: pl.Series) -> list[Reject]:
    return [
        Reject(row_number=elements[one.row_number - 1], reason=one.reason, sample=one.sample)
        for one in samples
    ]


def _without_emptied(taken: pl.DataFrame, items: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Leave out statements of which every item was rejected: without items they would hold for nothing."""
    emptied = items.select(STATEMENT).unique().join(named, on=STATEMENT, how="anti")
    return taken.join(emptied, on=STATEMENT, how="anti", maintain_order="left")


# ---------------------------------------------------------------- which statements there are


def _stated(raw: RawPromotions) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number the statements of a piece: of the items, those that stand together and say the same terms."""
    said = [name for name in raw.items.columns if name in PROMOTIONS.columns]
    place = [ROW_NUMBER, GROUP]
    is_new = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift(1)) for name in (*place, *said)
    ).alias("is_new")
    items = raw.items.with_columns(is_new)
    items = items.with_columns(pl.col("is_new").cum_sum().cast(pl.Int32).alias(STATEMENT))
    of_items = items.filter("is_new").select(*place, *(pl.col(name).alias(f"item {name}") for name in said))
    groups = raw.groups.select(place).join(of_items, on=place, how="anti", nulls_equal=True)
    rows = raw.rows.select(ROW_NUMBER).join(of_items, on=ROW_NUMBER, how="anti")
    rows = rows.join(raw.groups, on=ROW_NUMBER, how="anti")
    # those with items first: they have their numbers already
    return items, pl.concat([of_items, groups, rows], how="diagonal")


def _item_text(items: pl.DataFrame) -> pl.DataFrame:
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(ROW_NUMBER)
    return items.select(number, *(name for name in ITEM_COLUMNS if name in items.columns))


def _text(terms: pl.DataFrame, raw: RawPromotions) -> pl.DataFrame:
    """Give each statement its terms as text, in the columns of the model."""
    groups = raw.groups.rename({name: f"group {name}" for name in raw.groups.columns[2:]})
    rows = raw.rows.rename({name: f"row {name}" for name in raw.rows.columns[1:]})
    around = terms.join(groups, on=[ROW_NUMBER, GROUP], how="left", maintain_order="left")
    around = around.join(rows, on=ROW_NUMBER, how="left", maintain_order="left")
    said = {
        column: _first([pl.col(name) for name in names])
        for column in PROMOTIONS.columns
        if (
            names := [
                f"{level} {column}" for level in ("item", "group", "row") if f"{level} {column}" in around
            ]
        )
    }
    text = around.select(one.alias(column) for column, one in said.items())
    text = text.with_columns(_started(text), _ended(text), *_listed(text))
    if "promotion_id" in text.columns:
        number = pl.col("promotion_id").str.strip_chars().str.replace(r"^0+([0-9])", "$1")
        text = text.with_columns(number)
    return text.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias(ROW_NUMBER))


def _first(levels: list[pl.Expr]) -> pl.Expr:
    """Take the first that says something."""
    return levels[0] if len(levels) == 1 else pl.coalesce(map(_said, levels))


def _said(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.strip_chars() != "").then(text)


# ---------------------------------------------------------------- what is written in parts


def _started(text: pl.DataFrame) -> pl.Expr:
    return _moment(text, "starts_at", "start_date", "start_hour", without_hour="")


def _ended(text: pl.DataFrame) -> pl.Expr:
    """Let an offer that ends on a day, and at no hour, hold on that day."""
    return _moment(text, "ends_at", "end_date", "end_hour", without_hour=LAST_SECOND)


def _moment(text: pl.DataFrame, whole: str, day: str, hour: str, *, without_hour: str) -> pl.Expr:
    """Read one moment, or put a day and an hour together."""
    known = {
        name: _said(pl.col(name)) if name in text.columns else pl.lit(None, pl.String)
        for name in (whole, day, hour)
    }
    only_day = known[day].str.strip_chars().str.replace(TIME_AFTER_DAY, "$1")
    has_time = known[day].str.contains(":", literal=True)
    at_hour = pl.concat_str(only_day, pl.lit(" "), known[hour].str.strip_chars())
    at_no_hour = pl.when(has_time).then(known[day]).otherwise(known[day].str.strip_chars() + without_hour)
    return pl.coalesce(known[whole], at_hour, at_no_hour).alias(whole)


def _listed(text: pl.DataFrame) -> list[pl.Expr]:
    """Bring what may be said several times into one text, whatever the order and the words around it."""
    one = pl.element().str.strip_chars()
    is_remark = ~one.is_in(UNKNOWN_WORDS) & ~one.str.contains(NO_REMARK)
    # the code before the words: `0 - כלל הלקוחות` and `0=אין` are for everybody; without a code the words
    code = pl.coalesce(one.str.extract(r"^0*([0-9]+)"), pl.when(~one.is_in(UNKNOWN_WORDS)).then(one))
    lists = {
        "club_ids": pl.col("club_ids").str.split(LINE).list.eval(code.drop_nulls()).list.unique().list.sort(),
        "remarks": pl.col("remarks")
        .str.split(LINE)
        .list.eval(one.filter(is_remark))
        .list.unique(maintain_order=True),
    }
    separators = {"club_ids": ",", "remarks": "; "}
    return [values.list.join(separators[name]) for name, values in lists.items() if name in text.columns]
