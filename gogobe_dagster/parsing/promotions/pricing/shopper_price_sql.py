"""The price of one product in one store under an offer, as SQL: for Polars and for the view promotions_now.

The expressions combine what the offer states with what price files know. They take the columns of PRICES,
`reward_type`, `is_gift`, and the product's `regular_price` and `product_is_weighted`, null if not known.
"""

from typing import Final

from gogobe_dagster.parsing.promotions.pricing.no_price import NoPrice
from gogobe_dagster.parsing.promotions.pricing.reward_types import LAST_PIECE_TYPES

IS_OTHER_GIFT: Final = f"(is_gift and reward_type not in {LAST_PIECE_TYPES})"
OF_REGULAR: Final = (
    "case when regular_price_share = 0 then 0 else regular_price_share * nullif(regular_price, 0) end"
)
FIXED: Final = (
    "case when fixed_unit_price = fixed_kilogram_price or not coalesce(is_by_weight, product_is_weighted)"
    " then fixed_unit_price"
    " when coalesce(is_by_weight, product_is_weighted) then fixed_kilogram_price end"
)
UNIT_PRICE: Final = f"round({OF_REGULAR} + {FIXED}, 4)"
MANY: Final = 4
IS_PACKAGE: Final = (
    f"(min_total_quantity >= {MANY} and regular_price_share = 0"
    " and not coalesce(is_by_weight, product_is_weighted, false)"
    f" and {UNIT_PRICE} * min_total_quantity <= regular_price)"
)
"""Six cans for 24.90 are listed under the code of the package of six, which costs 26.90: no can for 4.15."""
EFFECTIVE_UNIT_PRICE: Final = (
    f"case when no_price_reason is null and not coalesce({IS_OTHER_GIFT}, false) and {UNIT_PRICE} > 0"
    f" and not coalesce({IS_PACKAGE}, false) then {UNIT_PRICE} end"
)
PRICE_BASIS: Final = (
    "case when is_by_weight or product_is_weighted then 'kilogram'"
    " when not coalesce(is_by_weight, product_is_weighted) then 'piece' end"
)
NO_PRICE_REASON: Final = (
    "case when no_price_reason is not null then no_price_reason"
    f" when {IS_OTHER_GIFT} then '{NoPrice.GIFT}'"
    f" when {OF_REGULAR} is null then '{NoPrice.REGULAR_PRICE_UNKNOWN}'"
    f" when {FIXED} is null then '{NoPrice.WEIGHT_UNKNOWN}'"
    f" when {UNIT_PRICE} <= 0 then '{NoPrice.GIFT}'"
    f" when {IS_PACKAGE} then '{NoPrice.PACKAGE}' end"
)
COLUMNS: Final = {
    "effective_unit_price": EFFECTIVE_UNIT_PRICE,
    "price_basis": PRICE_BASIS,
    "no_price_reason": NO_PRICE_REASON,
}
