"""Rejected rows: reasons and samples. It imports nothing heavy, so that the ledger can name them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

MAX_SAMPLES: Final = 20
MAX_SAMPLE_LENGTH: Final = 300


class RejectReason(StrEnum):
    """Why a row is rejected. `docs/codes.md` lists the reasons."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make a member that equals its value and knows what it means."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    BAD_FLAG = "bad_flag", "A yes/no field has another value."
    BAD_NUMBER = "bad_number", "A number cannot be read."
    BAD_PRICE = "bad_price", "The price cannot be read, or has more than four decimals."
    CODE_UNUSABLE = "code_unusable", "The item code cannot identify a product."
    DAMAGED_ROW = "damaged_row", "The row begins and does not end: the document is cut off or torn."
    NO_CHAIN = "no_chain", "A store without a chain id, in the file name as well."
    NO_CODE = "no_code", "A price without an item code."
    NO_PRICE = "no_price", "An item without a price."
    NO_PROMOTION_ID = "no_promotion_id", "A promotion without an id."
    NO_STORE = "no_store", "A store without a store id."
    OUT_OF_RANGE = "out_of_range", "A number has too many digits, or a text is too long."
    ITEM_CODE_UNUSABLE = (
        "item_code_unusable",
        "The code of a promotion's item cannot identify a product; the promotion stays without the item.",
    )
    PRODUCT_REPEATED = "product_repeated", "The file has the product again further down; the last row counts."
    PROMOTION_ID_UNUSABLE = "promotion_id_unusable", "The promotion's id is empty or too long."
    PROMOTION_REPEATED = (
        "promotion_repeated",
        "The file has the promotion again, with another content; the last one counts.",
    )
    UNREADABLE_FIELD = (
        "unreadable_field",
        "An optional field cannot be read and is null. The row stays; the reason marks its sample only.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A sample of a row that is rejected or has an unreadable field, with enough of it to see why."""

    row_number: int
    reason: str
    sample: str
