"""What the layouts make of a deal: the numbers as each kind of chain publishes them."""

from dataclasses import dataclass

from gogobe_dagster.replica.generator.deals import Deal, Form

HUNDREDTHS = 100
"""Cerberus and Shufersal publish hundredths of a percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One leg of a deal. Money is in agorot; None is not written."""

    reward_type: int
    quantity: float
    price: int | None = None
    price_of_measure: int | None = None
    discount_type: int | None = None
    rate: int | None = None
    are_gifts: bool = False
    """Items are marked as gifts where they are what one buys."""


def cerberus_terms(deal: Deal) -> Terms:
    """Cerberus, Shufersal: by weight the price of a kilogram, from slightly less than the stated quantity."""
    quantity = deal.quantity
    match deal.form:
        case Form.PIECES:
            each = round(deal.agorot / quantity)
            return Terms(reward_type=1, quantity=quantity, price=deal.agorot, price_of_measure=each)
        case Form.KILOGRAMS:
            least = quantity - 0.1
            measure = round(deal.agorot * least)
            return Terms(reward_type=1, quantity=least, price=deal.agorot, price_of_measure=measure)
        case Form.PERCENT:
            rate = deal.percent * HUNDREDTHS
            return Terms(reward_type=2, quantity=quantity, discount_type=0, rate=rate)
        case Form.SECOND_AT_PRICE:
            return Terms(reward_type=9, quantity=quantity, discount_type=1, price=deal.agorot)
        case _:
            rate = (deal.percent or 100) * HUNDREDTHS
            return Terms(reward_type=9, quantity=quantity, discount_type=0, rate=rate)


def bina_terms(deal: Deal) -> Terms:
    """Bina: totals, also by weight; percent; items of a last piece for less are marked as gifts."""
    quantity = deal.quantity
    match deal.form:
        case Form.PIECES:
            return _bina(1, quantity, price=deal.agorot, measure=deal.agorot)
        case Form.KILOGRAMS:
            return _bina(1, quantity, price=deal.agorot * quantity, measure=deal.agorot)
        case Form.PERCENT:
            return _bina(2, quantity, rate=deal.percent)
        case Form.SECOND_AT_PRICE:
            return _bina(9, quantity, price=deal.agorot, are_gifts=True)
        case _:
            return _bina(9, quantity, rate=deal.percent or 100, are_gifts=True)


def _bina(
    reward_type: int,
    quantity: int,
    *,
    price: int = 0,
    measure: int = 0,
    rate: int = 0,
    are_gifts: bool = False,
) -> Terms:
    return Terms(
        reward_type=reward_type,
        quantity=quantity,
        price=price,
        price_of_measure=measure,
        discount_type=0 if rate else 1,
        rate=rate,
        are_gifts=are_gifts,
    )


def sale_terms(deal: Deal) -> Terms:
    """Laib until 2026: like Bina, with other reward types."""
    terms = bina_terms(deal)
    types = {Form.PIECES: 10, Form.KILOGRAMS: 10, Form.ONE_FREE: 7}
    kind = types.get(deal.form, terms.reward_type)
    return Terms(
        reward_type=kind,
        quantity=terms.quantity,
        price=terms.price,
        price_of_measure=terms.price_of_measure,
        discount_type=terms.discount_type,
        rate=terms.rate,
        are_gifts=terms.are_gifts,
    )


def grouped_terms(deal: Deal, *, states_total: bool) -> tuple[Terms, ...]:
    """Write the layout of 2026: a leg for each group; by weight the total or the price of a kilogram."""
    quantity, first = deal.quantity, Terms(reward_type=0, quantity=deal.quantity - 1)
    match deal.form:
        case Form.PIECES:
            each = round(deal.agorot / quantity)
            return (Terms(reward_type=10, quantity=quantity, price=deal.agorot, price_of_measure=each),)
        case Form.KILOGRAMS:
            least = quantity - 0.1
            prices = deal.agorot, round(deal.agorot * least)
            measure, price = prices if states_total else reversed(prices)
            return (Terms(reward_type=10, quantity=least, price=price, price_of_measure=measure),)
        case Form.PERCENT:
            return (Terms(reward_type=2, quantity=quantity, rate=deal.percent),)
        case Form.SECOND_AT_PRICE:
            return first, Terms(reward_type=3, quantity=1, price=deal.agorot)
        case Form.ONE_FREE:
            return first, Terms(reward_type=1, quantity=1, rate=100, price=0)
        case _:
            return first, Terms(reward_type=10, quantity=1, rate=deal.percent)
