"""Promotions in several groups, the layout of 2026: the groups are the legs of one deal.

`28.90` in one group and `1.00` for the same item in another is no item for 1.00: one has to buy both. Each
leg states how many pieces it takes and what one of them costs: a price, a rate off, or nothing for the
regular price. A condition in one group, such as an amount to spend, holds for all of them. A group that
names no item (chains write the code 0000000000000) is a condition and no leg.
"""

from typing import Final

import polars as pl

from gogobe_dagster.parsing.promotions.pricing.no_price import NoPrice
from gogobe_dagster.parsing.promotions.pricing.numbers import PER_CENT
from gogobe_dagster.parsing.promotions.pricing.rules import PRICES, typed, with_prices

SPEND: Final = "min_purchase_amount"
DECIDED: Final = [name for name in PRICES if name != "is_by_weight"]
ROW: Final = "offer row"
LEGS: Final = "legs"


def with_pricing(offers: pl.DataFrame, promotion: str = "promotion_id") -> pl.DataFrame:
    """Add the columns of PRICES and CONDITIONS. `promotion` is the column that tells promotions apart.

    An offer whose items do not all cost the same becomes several.
    """
    has_item = pl.col("items").list.len() > 0
    spend = pl.col(SPEND).max().over(promotion)
    alone = with_prices(offers).with_columns(
        pl.when(pl.col("group_id").n_unique().over(promotion) > 1).then(spend).otherwise(SPEND).alias(SPEND),
        pl.col("group_id").filter(has_item).n_unique().over(promotion).alias(LEGS),
    )
    if alone.filter(pl.col(LEGS) > 1).is_empty():
        return alone.drop(LEGS)
    rows = alone.with_row_index(ROW)
    is_leg = (pl.col(LEGS) > 1) & has_item
    deals = _split(rows.filter(is_leg), promotion).select(rows.columns)
    joined = pl.concat([rows.filter(~is_leg), deals]).sort(ROW, maintain_order=True)
    return joined.drop(ROW, LEGS)


def _split(legs: pl.DataFrame, promotion: str) -> pl.DataFrame:
    """Put the legs of each item together, and items of an offer that then cost the same."""
    items = legs.select(ROW, promotion, "group_id", LEGS, "no_price_reason", "items", *_leg()).explode(
        "items"
    )
    items = items.with_columns(pl.col("items").struct.field("code"))
    deals = items.group_by(promotion, "code").agg(*_sums()).with_columns(_decided())
    deals = deals.select(promotion, "code", *map(typed, DECIDED))
    # Items of one offer that now cost differently part here, which is why an offer may become several.
    priced = items.drop("no_price_reason").join(deals, on=[promotion, "code"], maintain_order="left")
    parts = priced.group_by(ROW, *DECIDED, maintain_order=True).agg("items")
    return legs.drop("items", *DECIDED).join(parts, on=ROW, maintain_order="left")


def _leg() -> list[pl.Expr]:
    """How many pieces a leg takes, and what one of them costs."""
    price, rate = (pl.col(name).cast(pl.Float64) for name in ("discounted_price", "discount_rate"))
    # A rate above 100 can only be in hundredths of a percent.
    off = pl.when(rate <= PER_CENT).then(rate / PER_CENT).otherwise(rate / PER_CENT**2).fill_null(0.0)
    is_condition = pl.col("reward_type").fill_null(0) == 0
    is_free = (off >= 1) | ((price == 0) & (off == 0) & ~is_condition).fill_null(value=False)
    has_price = (price > 0).fill_null(value=False)
    quantity = pl.col("min_quantity").cast(pl.Float64)
    return [
        pl.when(quantity > 0).then(quantity).otherwise(1.0).alias("pieces"),
        pl.when(has_price | is_free).then(0.0).otherwise(1 - off).alias("share"),
        pl.when(has_price).then(price).otherwise(0.0).alias("fixed"),
        pl.col("is_by_weight").fill_null(value=False).alias("weighed"),
    ]


def _sums() -> list[pl.Expr]:
    pieces = pl.col("pieces").sum()
    return [
        ((pl.col("pieces") * pl.col("share")).sum() / pieces).alias("regular_price_share"),
        ((pl.col("pieces") * pl.col("fixed")).sum() / pieces).alias("fixed_unit_price"),
        pieces.alias("min_total_quantity"),
        (pl.col("no_price_reason") == NoPrice.COMPENSATION).any().alias("compensates"),
        (pl.col("group_id").n_unique() < pl.col(LEGS).first()).alias("needs others"),
        (pl.col("group_id").n_unique() < pl.len()).alias("differs in a leg"),
        pl.col("weighed").any(),
    ]


def _decided() -> list[pl.Expr]:
    share, fixed = pl.col("regular_price_share"), pl.col("fixed_unit_price")
    reasons = {
        NoPrice.COMPENSATION: pl.col("compensates"),
        NoPrice.OTHER_ITEMS: pl.col("needs others"),
        NoPrice.UNCLEAR_TOTAL: pl.col("weighed"),
        NoPrice.NOT_STATED: pl.col("differs in a leg") | (share == 1),
        NoPrice.GIFT: (share <= 0) & (fixed <= 0),
    }
    reason = pl.coalesce(pl.when(holds).then(pl.lit(name, pl.String)) for name, holds in reasons.items())
    has_price = reason.is_null()
    return [
        reason.alias("no_price_reason"),
        *(
            pl.when(has_price).then(source).alias(name)
            for name, source in {
                "regular_price_share": share,
                "fixed_unit_price": fixed,
                "fixed_kilogram_price": fixed,
                "min_total_quantity": pl.col("min_total_quantity"),
            }.items()
        ),
    ]
