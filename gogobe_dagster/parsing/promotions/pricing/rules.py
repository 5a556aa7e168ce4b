"""The table of rules: what each kind of offer costs, and what has no price.

An offer is taken alone here; promotions in several groups are in `legs`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from gogobe_dagster.parsing.promotions.pricing.no_price import NoPrice
from gogobe_dagster.parsing.promotions.pricing.numbers import (
    BINA,
    GROUPED,
    PER_CENT,
    SALE,
    is_near,
    is_type,
    with_numbers,
)
from gogobe_dagster.parsing.promotions.pricing.reward_types import FIXED_PRICE_TYPES, LAST_PIECE_TYPES

MONEY: Final = pl.Decimal(14, 4)
SHARE: Final = pl.Decimal(10, 8)
PRICES: Final = pl.Schema(
    {
        "regular_price_share": SHARE,
        "fixed_unit_price": MONEY,
        "fixed_kilogram_price": MONEY,
        "is_by_weight": pl.Boolean(),
        "min_total_quantity": MONEY,
        "no_price_reason": pl.String(),
    }
)
CONDITIONS: Final = pl.Schema(
    {"needs_coupon": pl.Boolean(), "needs_club": pl.Boolean(), "is_compensation": pl.Boolean()}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What offers of one kind cost. Of several rules that hold for an offer, the first decides."""

    meaning: str
    when: pl.Expr
    reason: NoPrice | None = None
    """Why there is no price; None: there is one."""
    share: pl.Expr | None = None
    """Part of the regular price; None: 0."""
    unit: pl.Expr | None = None
    """ILS for a piece, beside the part of the regular price; None: 0."""
    kilogram: pl.Expr | None = None
    """ILS for a kilogram; None: as for a piece."""
    quantity: pl.Expr | None = None
    """What one has to buy; None: the minimum quantity."""

    @property
    def for_kilogram(self) -> pl.Expr | None:
        """ILS for a kilogram; None: 0."""
        return self.unit if self.kilogram is None else self.kilogram


_quantity = pl.col("quantity")
_pieces = pl.col("pieces")
_price = pl.col("price")
_rate = pl.col("rate")
_has_price = _price.is_not_null()
_has_rate = _rate.is_not_null()
_text_percent = pl.col("text_percent")
_is_fixed = is_type(*FIXED_PRICE_TYPES) & _has_price
_is_last_piece = is_type(*LAST_PIECE_TYPES)
# the seventh type says by itself that the last piece is free
_rate_of_last = pl.when(is_type(7)).then(_rate.fill_null(1.0)).otherwise(_rate)
_share_with_last = (_pieces - pl.col("cheaper pieces") * _rate_of_last) / _pieces
_for_each = _price / _quantity
_for_kilogram = pl.when("price is total").then(_for_each).otherwise(_price)
_quantity_with_last = pl.when(_quantity < 1).then(_quantity).otherwise(_pieces)

# each means another kind of deal than the numbers do
_price_is_percent = (
    is_type(3, *FIXED_PRICE_TYPES)
    & _has_price
    & (is_near(_text_percent, _price) | (pl.col("text_names_last_piece") & (_quantity > 1)))
)
_other_percentage = is_type(2) & (
    (pl.col("text_names_last_piece") & (_quantity == 1)) | ((_text_percent - _rate * PER_CENT).abs() >= 1)
)
_other_pieces = _is_last_piece & (_rate_of_last >= 1) & pl.col("text_names_other_pieces")
_each_not_last = (
    is_type(9)
    & (_rate < 1)
    & (_quantity > 1)
    & ~pl.col("text_names_last_piece")
    & _text_percent.is_not_null()
)

RULES: Final = (
    Rule(
        meaning="A coupon that compensates a single customer.",
        when=pl.col("is_compensation"),
        reason=NoPrice.COMPENSATION,
    ),
    Rule(
        meaning="No item is named, or the total is meant, or type 12: for the whole basket.",
        when=(pl.col("items").list.len() == 0)
        | is_type(12)
        | (is_type(2, 3, *FIXED_PRICE_TYPES) & pl.col("is_total").fill_null(value=False)),
        reason=NoPrice.WHOLE_BASKET,
    ),
    Rule(
        meaning="Numbers and words mean different kinds of deals.",
        when=_price_is_percent | _other_percentage | _other_pieces | _each_not_last,
        reason=NoPrice.CONTRADICTION,
    ),
    Rule(
        meaning="Types 0, 6 and 8: a condition, a bundle, or a gift or price of another item.",
        when=is_type(0, 6, 8),
        reason=NoPrice.OTHER_ITEMS,
    ),
    Rule(
        meaning="Types 1 and 10 by weight (2026), where the price of a measure fits neither reading.",
        when=_is_fixed & pl.col("is_by_weight") & pl.col("total is unclear"),
        reason=NoPrice.UNCLEAR_TOTAL,
    ),
    Rule(
        meaning="Types 1 and 10: a price for a number of pieces; by weight for one kilogram, or the total.",
        when=_is_fixed,
        unit=pl.when("is_by_weight").then(_for_kilogram).otherwise(_for_each),
        kilogram=pl.when(~pl.col("is_by_weight")).then(_for_each).otherwise(_for_kilogram),
    ),
    Rule(meaning="Type 3 with a price: the final price of one.", when=is_type(3) & _has_price, unit=_price),
    Rule(
        meaning="Type 3 without a quantity: an amount off a basket.",
        when=is_type(3) & _has_rate & ~pl.col("states quantity"),
        reason=NoPrice.WHOLE_BASKET,
    ),
    Rule(
        meaning="Type 3: an amount off, in agorot.",
        when=is_type(3) & _has_rate & ~(SALE | BINA | (GROUPED & pl.col("discount_type").is_null())),
        share=pl.lit(1.0),
        unit=-pl.col("discount_rate").cast(pl.Float64) / PER_CENT / _quantity,
    ),
    Rule(
        meaning="Type 2 whose words say that only the last piece is for less.",
        when=is_type(2) & (_rate <= 1) & pl.col("text_names_last_piece"),
        share=(_quantity - _rate) / _quantity,
    ),
    Rule(meaning="Type 2, all of it off: a gift.", when=is_type(2) & (_rate >= 1), reason=NoPrice.GIFT),
    Rule(meaning="Type 2: a percentage off.", when=is_type(2) & _has_rate, share=1 - _rate),
    Rule(
        meaning="Types 7 and 9 where only some of the items are gifts: gifts of other items.",
        when=_is_last_piece & pl.col("some items are gifts"),
        reason=NoPrice.OTHER_ITEMS,
    ),
    Rule(
        meaning="Types 7 and 9 with discount type 1: the last piece at a price.",
        when=_is_last_piece & (pl.col("discount_type") == 1) & _has_price,
        share=(_pieces - 1) / _pieces,
        unit=_price / _pieces,
        quantity=_quantity_with_last,
    ),
    Rule(
        meaning="Types 7 and 9, a single piece, all of it off: a gift.",
        when=_is_last_piece & (_share_with_last <= 0),
        reason=NoPrice.GIFT,
    ),
    Rule(
        meaning="Types 7 and 9: the last pieces for less, or free.",
        when=_is_last_piece & _share_with_last.is_not_null(),
        share=_share_with_last,
        quantity=_quantity_with_last,
    ),
    Rule(
        meaning="Types 1, 2, 3, 9 and 10 that state no price, rate or amount.",
        when=is_type(2, 3, 9, *FIXED_PRICE_TYPES),
        reason=NoPrice.NOT_STATED,
    ),
    Rule(meaning="Another type, or none.", when=pl.lit(1) == 1, reason=NoPrice.UNKNOWN_REWARD_TYPE),
)


def with_prices(offers: pl.DataFrame) -> pl.DataFrame:
    """Add the columns of PRICES and CONDITIONS to offers, each taken alone."""
    decided = with_numbers(offers).with_columns(_first_rule())
    prices = decided.with_columns(
        _chosen("regular_price_share", [rule.share for rule in RULES], otherwise=0.0),
        _chosen("fixed_unit_price", [rule.unit for rule in RULES], otherwise=0.0),
        _chosen("fixed_kilogram_price", [rule.for_kilogram for rule in RULES], otherwise=0.0),
        _chosen("min_total_quantity", [rule.quantity for rule in RULES], otherwise="quantity"),
        _reason(),
    )
    return prices.select(*offers.columns, *map(typed, PRICES), *_conditions())


def _first_rule() -> pl.Expr:
    """Number the rule that decides."""
    chosen: Any = pl
    for number, rule in enumerate(RULES):
        chosen = chosen.when(rule.when).then(number)
    return chosen.alias("rule")  # type: ignore[no-any-return]


def _chosen(name: str, values: Iterable[pl.Expr | None], *, otherwise: float | str) -> pl.Expr:
    """Take the value of the rule that decides; null where it states no price."""
    unpriced = [number for number, rule in enumerate(RULES) if rule.reason]
    chosen: Any = pl.when(pl.col("rule").is_in(unpriced)).then(None)
    for number, value in enumerate(values):
        if value is not None:
            chosen = chosen.when(pl.col("rule") == number).then(value)
    usual = pl.col(otherwise) if isinstance(otherwise, str) else pl.lit(otherwise)
    return chosen.otherwise(usual).alias(name)  # type: ignore[no-any-return]


def _reason() -> pl.Expr:
    reasons = {number: rule.reason for number, rule in enumerate(RULES)}
    return pl.col("rule").replace_strict(reasons, return_dtype=pl.String).alias("no_price_reason")


def typed(name: str) -> pl.Expr:
    """Bring a column of PRICES to its type."""
    kind = PRICES[name]
    return (pl.col(name).round(kind.scale) if isinstance(kind, pl.Decimal) else pl.col(name)).cast(kind)


def _conditions() -> list[pl.Expr]:
    """Say who gets it. Words count as well: one coupon in eleven has no flag."""
    is_coupon = pl.col("is_coupon").fill_null(value=False)
    is_for_club = (pl.col("club_ids").str.split(",").list.contains("0") == 0).fill_null(value=False)
    return [
        (is_coupon | pl.col("text_names_coupon")).alias("needs_coupon"),
        (is_for_club | pl.col("text_names_club")).alias("needs_club"),
        pl.col("is_compensation"),
    ]
