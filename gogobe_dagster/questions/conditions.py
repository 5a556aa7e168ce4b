"""What has to be met for the price of an offer, as sentences."""

from collections.abc import Mapping
from typing import Any

from gogobe_dagster.clock import ISRAEL


def conditions(offer: Mapping[str, Any]) -> list[str]:
    """Return the conditions of a row of promotions_now; none: everybody pays this price for one unit."""
    unit = "kg" if offer["price_basis"] == "kilogram" else "pieces"
    found = {
        "only for members of the chain's club": offer["needs_club"],
        "needs a coupon": offer["needs_coupon"],
        "compensates single customers": offer["is_compensation"],
        f"from {_number(offer['min_total_quantity'])} {unit} on": (offer["min_total_quantity"] or 0) > 1,
        f"for at most {_number(offer['max_quantity'])} {unit}": _is_limit(offer),
        f"at most {_number(offer['redemption_limit'])} times for each customer": offer["redemption_limit"],
        f"for at least {_number(offer['min_purchase_amount'])} ILS of its items": offer[
            "min_purchase_amount"
        ],
        f"in a basket of at least {_number(offer['min_basket_amount'])} ILS": offer["min_basket_amount"],
        f"on certain days only, as published: {offer['days']}": offer["days"],
    }
    if offer["ends_at"] is not None:
        found[f"until {offer['ends_at'].astimezone(ISRAEL):%Y-%m-%d %H:%M} in Israel"] = True
    return [text for text, holds in found.items() if holds]


def _is_limit(offer: Mapping[str, Any]) -> bool:
    """Chains publish 0 for no limit; a limit below the least quantity is none either."""
    return bool(offer["max_quantity"]) and offer["max_quantity"] >= (offer["min_total_quantity"] or 0)


def _number(number: Any) -> str:
    return (
        ""
        if number is None
        else f"{number:f}".rstrip("0").rstrip(".")
        if "." in f"{number:f}"
        else f"{number:f}"
    )
