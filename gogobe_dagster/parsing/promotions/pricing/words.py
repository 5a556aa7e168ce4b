"""What the chain's own text says about a deal, as far as its numbers alone do not tell.

The text never replaces a number. It tells two readings of the same numbers apart, and it shows that numbers
and text mean different kinds of deals.
"""

from typing import Final

import polars as pl

NUMBER: Final = r"([0-9]+(?:\.[0-9]+)?)"
KILOGRAM: Final = r"(?:ק\s?[\"'״׳`.]?\s?ג|קילו(?:גרם)?)'?"
AT: Final = r"\s*[-–]?\s*ב\s*[-–]?\s*"
KILOGRAMS: Final = rf"(?:^|[^0-9.*/]){NUMBER}\s*{KILOGRAM}{AT}[0-9]"
QUANTITY_AT_PRICE: Final = rf"(?:^|[^0-9.*/]){NUMBER}\s*(?:{KILOGRAM})?{AT}{NUMBER}"
PRICE_OF_KILOGRAM: Final = rf"מחיר ל\s?{KILOGRAM}"
"""Shufersal's remark `מחיר המבצע הינו המחיר לק"ג`."""
PAID_PLUS_FREE: Final = r"(?:^|[^0-9.*/])([0-9])\s*\+\s*([0-9])(?:[^0-9.%]|$)"
"""`2+1`, and `1+2` where the text is stored as it looks from right to left: the larger number is paid."""
LAST_FOR_LESS: Final = r"שני\s*ב"
"""`השני ב-50%`, `שני ב 5`: the second piece costs less, or the last one of several."""
PERCENT_OFF: Final = (
    rf"{NUMBER}\s*%\s*-?\s*(?:של\s*)?הנחה|הנחה\s*(?:של|ב)?\s*-?\s*{NUMBER}\s*%"
    rf"|שני\s*ב\s*-?\s*%\s*{NUMBER}|שני\s*ב\s*-?\s*{NUMBER}\s*%"
)
COUPON: Final = r"קופון|קופ\."
CLUB: Final = "מועדון"
COMPENSATION: Final = "פיצוי"
"""`קופון פיצוי`: a coupon that makes good for one customer's complaint."""

TEXT: Final = pl.col("description").fill_null("")
TEXT_AND_REMARKS: Final = pl.concat_str(TEXT, pl.lit(" "), pl.col("remarks").fill_null(""))


def text_columns() -> list[pl.Expr]:
    """Return what the text states, as columns; null where it does not."""
    at_price = TEXT.str.extract_groups(QUANTITY_AT_PRICE)
    pieces = TEXT.str.extract_groups(PAID_PLUS_FREE)
    percent = TEXT.str.extract_groups(PERCENT_OFF)
    first, second = _number(pieces, 1), _number(pieces, 2)
    free = pl.min_horizontal(first, second)
    return [
        TEXT.str.extract(KILOGRAMS).cast(pl.Float64, strict=False).alias("text_kilograms"),
        _number(at_price, 1).alias("text_quantity"),
        _number(at_price, 2).alias("text_price"),
        TEXT_AND_REMARKS.str.contains(PRICE_OF_KILOGRAM).alias("text_names_kilogram_price"),
        pl.max_horizontal(first, second).alias("text_paid"),
        pl.when(free > 0).then(free).alias("text_free"),
        pl.coalesce(_number(percent, group) for group in range(1, 5)).alias("text_percent"),
        TEXT.str.contains(LAST_FOR_LESS).alias("text_names_last_piece"),
        TEXT.str.contains(COMPENSATION).alias("is_compensation"),
        TEXT_AND_REMARKS.str.contains(COUPON).alias("text_names_coupon"),
        TEXT.str.contains(CLUB).alias("text_names_club"),
    ]


def _number(groups: pl.Expr, number: int) -> pl.Expr:
    return groups.struct.field(str(number)).cast(pl.Float64, strict=False)
