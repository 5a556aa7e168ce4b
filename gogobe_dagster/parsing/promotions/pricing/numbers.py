"""The numbers of an offer in the same units, whatever the layout; they are columns beside those of the offer.

Which layout an offer comes from is told by what it states, not by its chain: chains change their software,
and some publish two layouts on one day.
"""

from typing import Final

import polars as pl

from gogobe_dagster.parsing.promotions.pricing import words

PER_CENT: Final = 100
TOLERANCE: Final = 0.02
"""ILS. Prices of a measure are rounded to agorot."""


def _states(name: str) -> pl.Expr:
    return pl.col(name).is_not_null()


SALE: Final = _states("discount_type") & ~(
    _states("is_weighted") | _states("is_active") | _states("is_coupon")
)
"""One `Sale` per item: Matrix and Laib until 2026."""
GROUPED: Final = ~(SALE | _states("is_active") | _states("is_total"))
"""Terms by item, in `Groups`: 2026."""
BINA: Final = (
    _states("is_active")
    & _states("discount_type")
    & ~(_states("is_weighted") | _states("min_basket_amount"))
    & (pl.col("discount_rate").cast(pl.Float64).fill_null(0.0) <= PER_CENT)
)
"""No weighted flag, always a discount type. Shufersal of 2015 has no flag either, but a basket amount."""


def is_type(*types: int) -> pl.Expr:
    """Whether the reward type is one of these."""
    return pl.col("reward_type").is_in(types).fill_null(value=False)


def is_near(amount: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether two amounts differ by rounding only."""
    return ((amount - other).abs() < TOLERANCE).fill_null(value=False)


def with_numbers(offers: pl.DataFrame) -> pl.DataFrame:
    """Add what the rules decide by."""
    text = offers.with_columns(words.text_columns())
    stated = text.with_columns(_stated())
    return stated.with_columns(_weighed()).with_columns(_price_is_for()).with_columns(*_counted())


def _above_zero(name: str) -> pl.Expr:
    value = pl.col(name).cast(pl.Float64)
    return pl.when(value > 0).then(value)


def _stated() -> list[pl.Expr]:
    quantity, rate = _above_zero("min_quantity"), _above_zero("discount_rate")
    # hundredths of a percent at Cerberus and Shufersal; at the others whole percents
    is_percent = (SALE | GROUPED | BINA) & (rate <= PER_CENT)
    # Laib repeats the maximum quantity as the number of gifts
    gifts = pl.when(~SALE).then(_above_zero("gift_count")).fill_null(1.0)
    is_gift = pl.col("items").list.eval(pl.element().struct.field("is_gift")).list
    return [
        quantity.is_not_null().alias("states quantity"),
        quantity.fill_null(1.0).alias("quantity"),
        _above_zero("discounted_price").alias("price"),
        _above_zero("discounted_price_per_mida").alias("price of measure"),
        pl.when(is_percent).then(rate / PER_CENT).otherwise(rate / PER_CENT**2).alias("rate"),
        gifts.alias("gifts"),
        (is_gift.any() & ~is_gift.all()).alias("some items are gifts"),
    ]


def _weighed() -> pl.Expr:
    """Whether quantities are kilograms; null: the offer does not tell.

    No piece has a fraction: a flag of 0 beside a quantity of 0.01 is wrong (Tiv Taam: cheese at 109.00).
    Where there is no flag, only the words may name kilograms (Shufersal: `2קג ב99שח`).
    """
    quantity = pl.col("quantity")
    names_kilograms = (quantity > 1) & is_near(pl.col("text_kilograms"), quantity)
    is_named = names_kilograms & ~(_states("is_weighted") | SALE | BINA)
    is_fraction = quantity != quantity.round(0)
    return (is_fraction | is_named | pl.col("is_weighted")).alias("is_by_weight")


def _price_is_for() -> list[pl.Expr]:
    """Whether the price of goods by weight is for the whole quantity, or for one kilogram.

    Cerberus and Shufersal state a kilogram's price, Bina and Laib the total, the layout of 2026 either: there
    the price of a measure, which is a kilogram or 100 grams, tells them apart, or else the words.
    """
    price, quantity, measure = pl.col("price"), pl.col("quantity"), pl.col("price of measure")
    names_quantity = is_near(pl.col("text_quantity").round(0), quantity.round(0))
    of_kilogram = (
        pl.col("text_names_kilogram_price")
        | is_near(measure, price)
        | is_near(measure * 10, price)
        | is_near(measure, price * quantity)
        | (names_quantity & is_near(pl.col("text_price"), price * pl.col("text_quantity")))
    )
    of_all = (
        is_near(measure * quantity, price)
        | is_near(measure * 10 * quantity, price)
        | ((GROUPED | ~_states("is_weighted")) & names_quantity & is_near(pl.col("text_price"), price))
    )
    is_total = SALE | BINA | (of_all & ~of_kilogram)
    return [
        is_total.alias("price is total"),
        (GROUPED & (quantity > 1) & measure.is_not_null() & ~(is_total | of_kilogram)).alias(
            "total is unclear"
        ),
    ]


def _counted() -> list[pl.Expr]:
    """How many pieces one takes to have the last of them for less, and how many of them cost less.

    MinQty counts all of them; where words such as `2+1` show that it counts the paid ones, only those.
    """
    quantity, gifts = pl.col("quantity"), pl.col("gifts")
    paid, free = pl.col("text_paid"), pl.col("text_free")
    names_pieces = ((quantity == paid + free) | (quantity == paid)).fill_null(value=False)
    with_gifts = pl.when(quantity > gifts).then(quantity).otherwise(quantity + gifts)
    pieces = pl.when(is_type(7)).then(with_gifts).otherwise(pl.max_horizontal(quantity, 1.0))
    cheaper = pl.when(is_type(7)).then(gifts).otherwise(1.0)
    return [
        pl.when(names_pieces).then(paid + free).otherwise(pieces).alias("pieces"),
        pl.when(names_pieces).then(free).otherwise(cheaper).alias("cheaper pieces"),
        (free.is_not_null() & ~names_pieces).alias("text_names_other_pieces"),
    ]
