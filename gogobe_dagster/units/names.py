"""Sizes in the names of products, such as חלב 1 ליטר, יוגורט 8*150 גרם or 30 כמוסות.

Only what can have one meaning is read. A name with two sizes, with a size beside a number of pieces, or of a
pack whose number is not stated, is ambiguous. Sizes of vessels are what they hold, and lengths are
dimensions: neither is read.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import polars as pl

from gogobe_dagster.units.distinct import find_per_distinct
from gogobe_dagster.units.name_words import (
    CAPACITY,
    COUNTED_PACKS,
    FIRST,
    PACKS,
    ROLLS,
    SHADED,
    WEARERS,
)
from gogobe_dagster.units.table import QUOTES, UNITS, BaseUnit

NUMBER: Final = pl.Decimal(38, 6)
CUT_AT: Final = 20
"""Some chains cut names after so many characters, perhaps within a word."""
_QUOTE: Final = f"[{QUOTES}]{{0,2}}"
_TIMES: Final = r"\s*[*xX×]\s*"
_BEFORE: Final = r"(?:^|[^0-9.,/A-Za-z*×+\-–]|[^0-9\sA-Za-z][\-–])"
_AFTER: Final = r"(?:[^א-תA-Za-z0-9\"'`]|$)"
_ANY_TIMES: Final = r"[0-9]\s*[*xX×]|[*xX×]\s*[0-9]"
_PROTEIN: Final = rf"[0-9]+\s*(?:גרם|גר|ג){_QUOTE}\s*(?:של\s+)?חלבון|(?:פרו|גו|PRO|GO)\s*[1-5][0-9]\s*ג"
"""What is in the product, beside its size."""
_FRACTION: Final = r"(?:^|\s)1/[0-9]"
"""One of a pack of so many, or all of them."""
_PLUS: Final = r"[0-9]\s*\+\s*[0-9]"


def _spelled(bases: Iterable[BaseUnit]) -> str:
    spellings = [word for unit in UNITS if unit.base_unit in set(bases) for word in unit.spellings]
    quoted = (_QUOTE.join(word) + _QUOTE for word in sorted(spellings, key=len, reverse=True))
    return "(?i:" + "|".join(quoted) + ")"


def _size(bases: Iterable[BaseUnit]) -> str:
    """Match factor, number, unit and a factor after the unit."""
    number = r"([1-9][0-9]{0,4}(?:\.[0-9]{1,3})?|0?\.[0-9]{1,3})"
    return (
        rf"{_BEFORE}(?:([1-9][0-9]{{0,3}}(?:\.[0-9]{{1,2}})?){_TIMES})?{number}\s*"
        rf"({_spelled(bases)})(?:{_TIMES}([1-9][0-9]?))?{_AFTER}"
    )


def _any_word(words: Iterable[str]) -> str:
    return rf"(?:^|[^א-ת])(?:{'|'.join(words)})(?:[^א-ת]|$)"


_SIZES: Final = _size([BaseUnit.KILOGRAM, BaseUnit.LITRE])
_PIECES: Final = _size([BaseUnit.PIECE])
_NOT_CONTENT: Final = rf"{_any_word(CAPACITY + WEARERS)}|^\W*(?:{'|'.join(FIRST)})(?:[^א-ת]|$)"
_UNIT_OF: Final = {spelling: unit.base_unit.value for unit in UNITS for spelling in unit.spellings}
_FACTOR_OF: Final = {spelling: unit.factor for unit in UNITS for spelling in unit.spellings}
SPELLING: Final = "3"
"""The group of a size that its unit matches."""
_PARTS: Final = ("unit", "quantity", "count", "is_carton")
"""What is read of a size."""
MANY: Final = 9
LARGE_PIECE: Final = Decimal("0.03")
LARGE_PACK: Final = Decimal("1.5")
"""Kilograms."""


def sizes_in_names(names: pl.Series) -> pl.DataFrame:
    """Return base unit, quantity and count of the size in each name, and whether they are clear.

    The quantity is for all pieces; the count is 1 where the name has no multiplication. They are null where
    the name has no size or an ambiguous one. A size that looks like that of a carton, such as 24*500 grams of
    pasta, may be that of what the chain buys: where nothing confirms it, it is not what one pays for.
    """
    texts = names.str.replace_all(_PROTEIN, "").alias("name")
    sizes, pieces = (texts.str.extract_groups(pattern).struct.unnest() for pattern in (_SIZES, _PIECES))
    has_any = sizes[SPELLING].is_not_null() | pieces[SPELLING].is_not_null()
    # Most names have no size: what a size means is asked of the others only.
    read = _read(*(groups.filter(has_any) for groups in (texts.to_frame(), sizes, pieces)))
    row_of_name = has_any.to_frame("has_any").select(pl.when("has_any").then(pl.col("has_any").cum_sum() - 1))
    return read.select(pl.all().gather(row_of_name.to_series())).with_columns(
        pl.col("is_name_ambiguous").fill_null(value=False)
    )


def _read(names: pl.DataFrame, sizes: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    """Read names with a size or a number of pieces, given the groups of what matched."""
    name = pl.col("name")
    read = names.with_columns(
        _parsed(names["name"], sizes).to_struct("size"),
        _parsed(names["name"], pieces).to_struct("pieces"),
        name.str.count_matches(_SIZES).alias("sizes"),
        name.str.count_matches(_PIECES).alias("piece_counts"),
    )
    has_size, has_pieces = _has("size"), _has("pieces")
    chosen = pl.when(has_size).then("size").when(has_pieces).then("pieces")
    is_stated = (has_size | has_pieces) & ~_is_no_content()
    is_clear = is_stated & ~_is_ambiguous()
    return read.select(
        *(pl.when(is_clear).then(chosen.struct.field(part)).alias(f"name_{part}") for part in _PARTS),
        (is_stated & ~is_clear).alias("is_name_ambiguous"),
    )


def _parsed(names: pl.Series, groups: pl.DataFrame) -> pl.DataFrame:
    """Turn the groups of each match into unit, quantity and count."""
    name, spelling = pl.col("name"), pl.col(SPELLING)
    # a letter at the end of a name that was cut may be the beginning of any word
    is_cut = (spelling.str.len_chars() == 1) & (name.str.len_chars() == CUT_AT) & name.str.ends_with(spelling)
    is_cut_here = groups.with_columns(names).select(is_cut.fill_null(value=False)).to_series()
    size = find_per_distinct(groups, _parse_size)
    return size.with_columns(size["unit"].set(is_cut_here, None))


def _parse_size(groups: pl.DataFrame) -> pl.DataFrame:
    first, number, spelling, last = (pl.col(group) for group in groups.columns)
    plain = spelling.str.replace_all(f"[{QUOTES}]", "").str.to_lowercase()
    count = pl.coalesce(_number(first), _number(last), pl.lit(1, NUMBER))
    factor = plain.replace_strict(_FACTOR_OF, default=None, return_dtype=NUMBER)
    unit = plain.replace_strict(_UNIT_OF, default=None, return_dtype=pl.String)
    return groups.select(
        unit.alias("unit"),
        (_number(number) * factor * count).cast(NUMBER).alias("quantity"),
        count.alias("count"),
        (first.is_not_null() & last.is_not_null()).alias("has_two_counts"),
        _is_carton(unit, factor, pl.coalesce(first, last).cast(NUMBER), _number(number)).alias("is_carton"),
    )


def _is_carton(unit: pl.Expr, factor: pl.Expr, one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Tell a size of many large pieces. Chains write 100*8 grams as well as 8*100: the less is the number."""
    more, less = pl.max_horizontal(one, other), pl.min_horizontal(one, other)
    count = pl.when(factor == 1).then(more).otherwise(less)
    total = one * other * factor
    is_many = (count >= MANY) & (total > count * pl.lit(LARGE_PIECE, NUMBER))
    is_large = (unit == BaseUnit.KILOGRAM) & (total > pl.lit(LARGE_PACK, NUMBER))
    return ((unit != BaseUnit.PIECE) & (is_many | is_large)).fill_null(value=False)


def _number(text: pl.Expr) -> pl.Expr:
    return text.cast(NUMBER)


def _has(column: str) -> pl.Expr:
    return pl.col(column).struct.field("unit").is_not_null()


def _contains(words: Iterable[str]) -> pl.Expr:
    return pl.col("name").str.contains(_any_word(words))


def _is_no_content() -> pl.Expr:
    has_words = pl.col("name").str.contains(_NOT_CONTENT)
    means_something_else = pl.when(_has("size")).then(_contains(ROLLS)).otherwise(_contains(SHADED))
    return (has_words | means_something_else).fill_null(value=False)


def _is_ambiguous() -> pl.Expr:
    """Tell names with several sizes, or with a number of pieces that is not multiplied."""
    name, has_size, pieces = pl.col("name"), _has("size"), pl.col("pieces").struct.field("quantity")
    count, matches, has_two_counts = (
        pl.when(has_size).then(size).otherwise(of_pieces)
        for size, of_pieces in (
            (pl.col("size").struct.field("count"), pl.col("pieces").struct.field("count")),
            (pl.col("sizes"), pl.col("piece_counts")),
            (pl.col("size").struct.field("has_two_counts"), pl.col("pieces").struct.field("has_two_counts")),
        )
    )
    is_pack = _contains(COUNTED_PACKS) | (_contains(PACKS) & has_size)
    return (
        (matches > 1)
        | has_two_counts
        | (has_size & _has("pieces") & (pieces != 1))
        | ((count == 1) & (is_pack | name.str.contains(_ANY_TIMES)))
        | name.str.contains(f"{_PLUS}|{_FRACTION}")
    )
