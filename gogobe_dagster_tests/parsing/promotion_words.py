"""What the chain's own words say that a deal costs, read by code that shares nothing with the reader's."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

NUMBER: Final = r"(\d+(?:\.\d+)?)"
FOR: Final = r"\s*[-–]?\s*ב\s*[-–]?\s*"
KILOGRAMS: Final = r"ק\s?[\"'״׳.]?\s?ג'?|קילו"
PIECES: Final = r"יחידות|יח'?|מנות"
NO_PERCENT: Final = r"(?![\d.]|\s*%)"
NOT_IN_A_NUMBER: Final = r"(?<![\d.*/%-])"

SECOND_FOR_RATE: Final = re.compile(r"שני\s*ב\s*-?\s*(?:%\s*(\d+)|(\d+)\s*%)")
SECOND_FOR_HALF: Final = re.compile(r"שני\s*ב\s*-?\s*חצי")
SECOND_FOR_PRICE: Final = re.compile(rf"שני\s*ב\s*-?\s*{NUMBER}")
ONE_PLUS_ONE: Final = re.compile(r"(?<![\d.*/])([1-5])\s*\+\s*([1-5])(?![\d.%]|\s*(?:ליטר|ל'|ק|ג))")
KILOGRAMS_FOR: Final = re.compile(rf"{NOT_IN_A_NUMBER}{NUMBER}\s*(?:{KILOGRAMS}){FOR}{NUMBER}{NO_PERCENT}")
PIECES_FOR: Final = re.compile(rf"{NOT_IN_A_NUMBER}(\d{{1,2}})\s*(?:{PIECES})?{FOR}{NUMBER}{NO_PERCENT}")
PERCENT_OFF: Final = re.compile(
    r"(\d+(?:\.\d+)?)\s*%\s*-?\s*(?:של\s*)?הנחה|הנחה\s*(?:של|ב)?\s*-?\s*(\d+)\s*%|ב\s*-\s*(\d+)\s*%"
)
PRICE: Final = re.compile(rf"(?:^|[^\d.א-ת])ב\s*-?\s*{NUMBER}|{NUMBER}\s*ש\"?ח")
NEAR: Final = Fraction(1, 10)
"""`2 קג` is stated as 1.90: who buys nearly two kilograms has the price as well."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one unit costs by the words: a part of the regular price and an amount."""

    form: str
    share: Fraction = Fraction(0)
    amount: Fraction = Fraction(0)

    def price(self, regular: Fraction) -> Fraction:
        """The price of one unit."""
        return self.share * regular + self.amount


def read_words(text: str, min_quantity: Fraction) -> Said | None:
    """Read the first form that the text has.

    A number of pieces or kilograms that is not the published minimum is the size of a package.
    """
    forms: tuple[Callable[[str, Fraction], Said | None], ...] = (
        _second,
        _plus,
        _kilograms,
        _percent,
        _pieces,
    )
    return next((said for form in forms if (said := form(text, min_quantity))), None)


def _second(text: str, _: Fraction) -> Said | None:
    if match := SECOND_FOR_RATE.search(text):
        return Said("second at P%", share=1 - Fraction(match[1] or match[2]) / 200)
    if SECOND_FOR_HALF.search(text):
        return Said("second at P%", share=Fraction(3, 4))
    if match := SECOND_FOR_PRICE.search(text):
        return Said("second at X", share=Fraction(1, 2), amount=Fraction(match[1]) / 2)
    return None


def _plus(text: str, _: Fraction) -> Said | None:
    match = ONE_PLUS_ONE.search(text)
    if match is None or PRICE.search(text):
        return None
    free, paid = sorted((int(match[1]), int(match[2])))  # 1+2 where the text is stored as it looks
    return Said("N+M", share=Fraction(paid, paid + free))


def _kilograms(text: str, min_quantity: Fraction) -> Said | None:
    match = KILOGRAMS_FOR.search(text)
    if match is None:
        return None
    kilograms, price = Fraction(match[1]), Fraction(match[2])
    if abs(kilograms - min_quantity) > NEAR * kilograms:
        return Said("package for X", amount=price / max(min_quantity, Fraction(1)))
    return Said("N kg for X", amount=price / kilograms)


def _pieces(text: str, min_quantity: Fraction) -> Said | None:
    found = [match for match in PIECES_FOR.finditer(text) if match[2] != "1"]  # `3 ב-1`: three in one
    if not found:
        return None
    pieces, price = int(found[-1][1]), Fraction(found[-1][2])
    if min_quantity <= 1 < pieces:
        return Said("package for X", amount=price)
    return Said("N for X", amount=price / pieces) if pieces else None


def _percent(text: str, _: Fraction) -> Said | None:
    match = PERCENT_OFF.search(text)
    return match and Said("P% off", share=1 - Fraction(next(filter(None, match.groups()))) / 100)
