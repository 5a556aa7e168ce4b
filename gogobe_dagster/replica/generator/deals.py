"""What an offer costs, as a shopper understands it: the truth that promotion files are written from.

Prices of a deal are a part of the regular price and an amount. Readers have to find both again from what
the layouts make of them (`promotion_terms`).
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Form(StrEnum):
    """The forms of deals."""

    PIECES = "pieces"
    """A number of pieces for a price; one kilogram of goods by weight."""
    KILOGRAMS = "kilograms"
    PERCENT = "percent"
    LAST_FOR_LESS = "last for less"
    ONE_FREE = "one free"
    SECOND_AT_PRICE = "second at a price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One deal."""

    form: Form
    quantity: int
    """Pieces or kilograms that one takes, free ones too."""
    agorot: int = 0
    """The price of all pieces, of one kilogram, or of the second piece."""
    percent: int = 0
    """The amount off each piece, or off the last."""

    @property
    def share(self) -> Fraction:
        """Part of the regular price that a unit costs."""
        all_, off = Fraction(self.quantity), Fraction(self.percent, 100)
        return {
            Form.PIECES: Fraction(0),
            Form.KILOGRAMS: Fraction(0),
            Form.PERCENT: 1 - off,
            Form.LAST_FOR_LESS: 1 - off / all_,
            Form.ONE_FREE: 1 - 1 / all_,
            Form.SECOND_AT_PRICE: 1 - 1 / all_,
        }[self.form]

    @property
    def amount(self) -> Fraction:
        """ILS that a unit costs beside that part."""
        shekels = Fraction(self.agorot, 100)
        return shekels if self.form is Form.KILOGRAMS else shekels / self.quantity

    def description(self, goods: str) -> str:
        """Say it as chains do."""
        several = f"{self.quantity} " if self.quantity > 1 else ""
        return {
            Form.PIECES: f"{goods} {several}ב-{self.agorot / 100:.2f}",
            Form.KILOGRAMS: f"{goods} {self.quantity} קג ב-{self.agorot * self.quantity / 100:.2f}",
            Form.PERCENT: f"{goods} {self.percent}% הנחה",
            Form.LAST_FOR_LESS: f"{goods} השני ב-{self.percent}%",
            Form.ONE_FREE: f"{goods} {self.quantity - 1}+1",
            Form.SECOND_AT_PRICE: f"{goods} שני ב {self.agorot / 100:.2f}",
        }[self.form]


def make_deal(drawn: int, *, usual_price: int, is_weighted: bool) -> Deal:
    """Choose a deal on goods of a usual price, in agorot."""
    percent = 10 + drawn // 29 % 5 * 10
    quantity = 2 + drawn // 17 % 2
    low = 70 + drawn // 19 % 20
    forms = (
        (Form.KILOGRAMS, Form.PIECES, Form.PERCENT)
        if is_weighted
        else (*[Form.PIECES] * 4, Form.PERCENT, Form.LAST_FOR_LESS, Form.ONE_FREE, Form.SECOND_AT_PRICE)
    )
    match forms[drawn // 31 % len(forms)]:
        case Form.KILOGRAMS:
            return Deal(form=Form.KILOGRAMS, quantity=quantity, agorot=_tens(usual_price * low / 100))
        case Form.PERCENT:
            return Deal(form=Form.PERCENT, quantity=1, percent=percent)
        case Form.LAST_FOR_LESS:
            return Deal(form=Form.LAST_FOR_LESS, quantity=2, percent=percent)
        case Form.ONE_FREE:
            return Deal(form=Form.ONE_FREE, quantity=quantity)
        case Form.SECOND_AT_PRICE:
            return Deal(form=Form.SECOND_AT_PRICE, quantity=2, agorot=_tens(usual_price * 40 / 100))
        case _:
            pieces = 1 if is_weighted else 1 + drawn // 17 % 3
            return Deal(form=Form.PIECES, quantity=pieces, agorot=_tens(usual_price * pieces * low / 100))


def _tens(agorot: float) -> int:
    return round(agorot / 10) * 10
