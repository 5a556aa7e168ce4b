"""The content of products: from fields and name to a quantity in kilograms, litres, metres or pieces.

The fields decide where they state a content: a quantity in a unit, or, at some chains, a quantity of units of
measure (2.5 of 100 grams). The name is read where the fields are empty, absurd, or say one piece, which every
package is; it also decides between fields that contradict each other. What cannot be told has a reason.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

import polars as pl

from gogobe_dagster.units.distinct import find_per_distinct
from gogobe_dagster.units.names import NUMBER, sizes_in_names
from gogobe_dagster.units.reasons import ContentSource, NoContentReason
from gogobe_dagster.units.table import BaseUnit, read_measure

QUANTITY: Final = pl.Decimal(14, 6)
"""Type of a content: kilograms are exact to the milligram."""


LIMITS: Final[Mapping[BaseUnit, tuple[Decimal, Decimal]]] = {
    BaseUnit.KILOGRAM: (Decimal("0.0001"), Decimal(60)),
    BaseUnit.LITRE: (Decimal("0.0003"), Decimal(60)),
    BaseUnit.METRE: (Decimal("0.1"), Decimal(5000)),
    BaseUnit.PIECE: (Decimal(1), Decimal(5000)),
}
"""The smallest and the largest content that a package may have."""
PLACEHOLDER: Final = Decimal("0.001")
"""One gram or one millilitre: the quantity 1 stands for any package."""
TWICE: Final = Decimal("1.9")
"""From here on a name states another content than the fields: that of two or more, less what is rounded."""
INPUT: Final = ("name", "unit_quantity", "quantity", "unit_of_measure", "is_weighted")
OUTPUT: Final = ("base_unit", "base_quantity", "content_source", "no_content_reason")

_MEASURED: Final = (("unit_quantity", "unit"), ("unit_of_measure", "measure"))


def with_content(products: pl.DataFrame) -> pl.DataFrame:
    """Add OUTPUT to rows with INPUT; names are read once per row, so the rows should be distinct."""
    fields = products.select(INPUT).drop("name")
    stated = pl.concat([fields, sizes_in_names(products["name"])], how="horizontal")
    # Thousands of products share some hundred sizes, and arithmetic with decimals takes longest.
    return products.hstack(find_per_distinct(stated, _find_content))


def _find_content(stated: pl.DataFrame) -> pl.DataFrame:
    known = stated.with_columns(pl.col("quantity").cast(NUMBER))
    measures = [_measures(known[column], prefix) for column, prefix in _MEASURED]
    judged = pl.concat([known, *measures], how="horizontal").with_columns(_fields())
    return judged.with_columns(_verdict().alias("verdict")).select(_content())


def _measures(texts: pl.Series, prefix: str) -> pl.DataFrame:
    """Read the unit in each text; every distinct text is read once."""
    read = {text: measure for text in texts.unique() if (measure := read_measure(text))}
    bases = {text: measure.base_unit.value for text, measure in read.items()}
    units = {text: measure.unit for text, measure in read.items()}
    sizes = {text: measure.size for text, measure in read.items()}
    return pl.DataFrame(
        {
            f"{prefix}_base": texts.replace_strict(bases, default=None, return_dtype=pl.String),
            f"{prefix}_factor": texts.replace_strict(units, default=None, return_dtype=NUMBER),
            f"{prefix}_size": texts.replace_strict(sizes, default=None, return_dtype=NUMBER),
            f"{prefix}_is_text": texts.str.contains("[א-תA-Za-z]").fill_null(value=False),
        }
    )


def _is_physical(base: pl.Expr) -> pl.Expr:
    return (base != BaseUnit.PIECE).fill_null(value=False)


def _fields() -> list[pl.Expr]:
    """Find what the fields state, in a unit or as a number of units of measure."""
    unit, measure = pl.col("unit_base"), pl.col("measure_base")
    quantity = pl.when(pl.col("quantity") > 0).then("quantity")
    in_unit, in_measure = quantity * pl.col("unit_factor"), quantity * pl.col("measure_size")
    has_unit, has_measure = _is_physical(unit), _is_physical(measure)
    return [
        pl.when(has_unit).then(unit).when(has_measure).then(measure).otherwise(unit.fill_null(measure)).alias("base"),
        pl.when(has_unit).then(in_unit).when(has_measure).then(in_measure)
        .when(unit.is_not_null() | measure.is_not_null()).then(quantity).alias("stated"),
        in_unit.alias("in_unit"),
        in_measure.alias("in_measure"),
        (quantity * pl.col("measure_factor")).alias("in_unit_of_measure"),
        (has_unit & has_measure & (unit != measure)).alias("has_two_units"),
    ]  # fmt: skip


class Verdict(StrEnum):
    """What the content is taken from, where it is no reason for having none."""

    BY_WEIGHT = "by_weight"
    FIELDS = "fields"
    NAME = "name"


def _verdict() -> pl.Expr:
    """Decide from where the content is taken, or why there is none."""
    is_weighted = pl.col("is_weighted").fill_null(value=False)
    is_usable = pl.col("stated").is_not_null() & ~_is_absurd()
    named = pl.col("name_quantity")
    has_size = named.is_not_null() & ~_is_outside(pl.col("name_unit"), named)
    is_carton = pl.col("name_is_carton").fill_null(value=False)
    has_name = has_size & ~is_carton
    says_one_piece = (pl.col("base") == BaseUnit.PIECE) & (pl.col("stated") == 1)
    is_text = pl.col("unit_is_text") | pl.col("measure_is_text")
    return (
        pl.when(is_weighted & _is_kilogram()).then(_lit(Verdict.BY_WEIGHT))
        .when(is_weighted).then(_lit(NoContentReason.CONTRADICTORY))
        .when(pl.col("has_two_units") & _is_settled_by_name()).then(_lit(Verdict.NAME))
        .when(pl.col("has_two_units")).then(_lit(NoContentReason.CONTRADICTORY))
        .when(is_usable & has_size & _is_contradicted_by_name()).then(_lit(NoContentReason.CONTRADICTORY))
        .when(is_usable & ~(says_one_piece & has_name)).then(_lit(Verdict.FIELDS))
        .when(has_name).then(_lit(Verdict.NAME))
        .when(pl.col("stated").is_not_null()).then(_lit(NoContentReason.ABSURD_CONTENT))
        .when(pl.col("is_name_ambiguous") | is_carton).then(_lit(NoContentReason.AMBIGUOUS_NAME))
        .when((pl.col("quantity") > 0) & pl.col("base").is_null() & is_text)
        .then(_lit(NoContentReason.UNKNOWN_UNIT))
        .otherwise(_lit(NoContentReason.NO_CONTENT))
    )  # fmt: skip


def _lit(value: StrEnum) -> pl.Expr:
    return pl.lit(value.value)


def _is_kilogram() -> pl.Expr:
    """Tell whether goods by weight are priced per kilogram: no other content is stated."""
    is_weight = (pl.col("base") == BaseUnit.KILOGRAM).fill_null(value=True) & ~pl.col("has_two_units")
    ones = pl.lit(1, NUMBER), pl.lit(PLACEHOLDER, NUMBER)
    is_one = [pl.col(column) == one for column in ("in_unit", "in_measure") for one in ones]
    return is_weight & (pl.col("stated").is_null() | pl.any_horizontal(is_one).fill_null(value=False))


def _is_settled_by_name() -> pl.Expr:
    is_one_of_them = (pl.col("name_unit") == pl.col("unit_base")) | (
        pl.col("name_unit") == pl.col("measure_base")
    )
    stated = (pl.col("name_quantity") == pl.col(column) for column in ("in_unit", "in_unit_of_measure"))
    return (is_one_of_them & pl.any_horizontal(*stated)).fill_null(value=False)


def _is_contradicted_by_name() -> pl.Expr:
    """Tell whether the name states twice as much or more, a tenth, or as much in another unit.

    Less in the name is no contradiction: it may be that of one of several pieces.
    """
    stated, named = pl.col("stated"), pl.col("name_quantity")
    are_measured = _is_physical(pl.col("base")) & _is_physical(pl.col("name_unit"))
    is_same_unit = pl.col("base") == pl.col("name_unit")
    is_tenth = pl.any_horizontal(named * pl.lit(10**power, NUMBER) == stated for power in (1, 2, 3))
    is_more = named >= stated * pl.lit(TWICE, NUMBER)
    contradicts = pl.when(is_same_unit).then(is_more | is_tenth).otherwise(named == stated)
    return (are_measured & contradicts).fill_null(value=False)


def _is_absurd() -> pl.Expr:
    base, stated = pl.col("base"), pl.col("stated")
    is_placeholder = base.is_in([BaseUnit.KILOGRAM.value, BaseUnit.LITRE.value]) & (stated == PLACEHOLDER)
    is_part = (base == BaseUnit.PIECE) & (stated != stated.round())
    return (is_placeholder | is_part | _is_outside(base, stated)).fill_null(value=False)


def _is_outside(base: pl.Expr, quantity: pl.Expr) -> pl.Expr:
    smallest, largest = (
        base.replace_strict(limits, default=None, return_dtype=NUMBER)
        for limits in ({unit.value: limit[end] for unit, limit in LIMITS.items()} for end in (0, 1))
    )
    return (quantity < smallest) | (quantity > largest)


def _content() -> list[pl.Expr]:
    verdict = pl.col("verdict")
    is_name = verdict == Verdict.NAME
    is_known = verdict.is_in([member.value for member in Verdict])
    unit, quantity = pl.col("base"), pl.col("stated")
    by_weight = pl.when(verdict == Verdict.BY_WEIGHT)
    return [
        by_weight.then(_lit(BaseUnit.KILOGRAM)).when(is_name).then("name_unit").when(is_known).then(unit)
        .alias("base_unit"),
        by_weight.then(pl.lit(1, NUMBER)).when(is_name).then("name_quantity").when(is_known).then(quantity)
        .cast(QUANTITY).alias("base_quantity"),
        pl.when(is_name).then(_lit(ContentSource.NAME)).when(is_known).then(_lit(ContentSource.FIELDS))
        .alias("content_source"),
        pl.when(~is_known).then(verdict).alias("no_content_reason"),
    ]  # fmt: skip
