"""Why an offer states no price of a piece or kilogram."""

from enum import StrEnum
from typing import Final


class NoPrice(StrEnum):
    """The reasons, as they are stored."""

    GIFT = "gift"
    OTHER_ITEMS = "other_items"
    WHOLE_BASKET = "whole_basket"
    COMPENSATION = "compensation"
    CONTRADICTION = "contradiction"
    UNCLEAR_TOTAL = "unclear_total"
    NOT_STATED = "not_stated"
    UNKNOWN_REWARD_TYPE = "unknown_reward_type"
    REGULAR_PRICE_UNKNOWN = "regular_price_unknown"
    WEIGHT_UNKNOWN = "weight_unknown"
    PACKAGE = "package"


MEANINGS: Final = {
    NoPrice.GIFT: "Nothing is paid for it: a gift, or 100 % off.",
    NoPrice.OTHER_ITEMS: "It depends on what is bought with it: a bundle, or a gift of another item.",
    NoPrice.WHOLE_BASKET: "It holds for the basket, not for a piece of something.",
    NoPrice.COMPENSATION: "A coupon that compensates a single customer.",
    NoPrice.CONTRADICTION: "Numbers and words mean different kinds of deals.",
    NoPrice.UNCLEAR_TOTAL: "By weight, and not told whether the price is for one kilogram or for all.",
    NoPrice.NOT_STATED: "No price, rate or amount is stated, or not in a known unit.",
    NoPrice.UNKNOWN_REWARD_TYPE: "What its reward type means is not known.",
    NoPrice.REGULAR_PRICE_UNKNOWN: "It is a part of the regular price, and that is not known.",
    NoPrice.WEIGHT_UNKNOWN: "Goods by weight would cost otherwise, and how the product is sold is not known.",
    NoPrice.PACKAGE: "Four or more would cost no more than one does: the item is a package of them.",
}
"""The last three follow from price files and change with them; the others are the offer's own."""
