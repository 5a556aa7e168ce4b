"""What a piece or a kilogram costs under an offer: the definition, for every layout.

The price of a unit is `regular_price_share` times the product's regular price, plus an amount in ILS: for a
product by the piece `fixed_unit_price`, for one by weight `fixed_kilogram_price`. Both are equal where the
offer tells by itself which of the two it is about, or where it makes no difference. Where no price follows
from what is stated, `no_price_reason` says why.

All this is a function of what a promotion states, so equal promotions cost the same. `shopper_price` adds
what only price files know: the regular price, and how a product is sold.

    words           what the chain's own text says, where the numbers alone do not tell
    numbers         the numbers in one unit, whatever the layout
    rules           the table of rules: what each kind of offer costs
    legs            promotions in several groups, which are one deal
    reward_types    the chains' reward types by name
    no_price        why an offer has no price
    shopper_price   the price of one product in one store; shopper_price_sql: the same as SQL

What the numbers mean at which chain, and how often that was seen, is in docs/promotions.md.
"""
