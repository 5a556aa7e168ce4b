"""The rules of each document type for normalization: keys, reject reasons, defaults and limits.

What makes a row unusable is here alone: a column in `required` that is absent or cannot be read. Any other
column that cannot be read is null in a row that stays. A full file lists a row that is unusable all the same,
so its `listed_by` column, where that can be read, keeps what held before from ending.

A new document type is a schema in `model` and one entry here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.model import OFFER_ITEM, PRICES, PROMOTIONS, STORES
from gogobe_dagster.parsing.reject import RejectReason

MAX_CODE_LENGTH: Final = 64
"""The longest real code has 14 characters; a longer one than this would not fit into an index."""

MAX_TEXT_BYTES: Final = 1 << 15
"""The longest real name has 200 bytes; a longer text than this counts as unreadable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one document type."""

    schema: pa.Schema
    key: tuple[str, ...]
    """Rows that agree in these speak of the same thing; the last statement counts."""
    required: frozenset[str]
    """A row is unusable if one of these cannot be read."""
    missing: Mapping[str, str]
    """The columns without which a row is unusable, and the reason if one is null."""
    unreadable: Mapping[str, str]
    """The reason for a required value that cannot be read, where the one of its type is too general."""
    listed_by: str | None
    """The column that says what a full file lists; None: what it lists is not kept apart from its rows."""
    defaults: Mapping[str, str]
    exact: frozenset[str]
    """Numbers that are never rounded."""
    zeros_unknown: frozenset[str]
    """Text columns where a value of zeros only is null."""
    longest: Mapping[str, int]
    """Maximal bytes of a column, where less than MAX_TEXT_BYTES."""


RULES: Final = {
    Document.PRICES: Rules(
        schema=PRICES,
        key=("code", "article"),
        required=frozenset({"code", "price"}),
        listed_by="code",
        missing={"code": RejectReason.NO_CODE, "price": RejectReason.NO_PRICE},
        unreadable={"price": RejectReason.BAD_PRICE},
        defaults={},
        exact=frozenset({"price"}),
        zeros_unknown=frozenset(
            {"code", "name", "manufacturer", "description", "unit_quantity", "unit_of_measure"}
        ),
        longest={"code": MAX_CODE_LENGTH},
    ),
    Document.STORES: Rules(
        schema=STORES,
        key=("chain_id", "sub_chain_id", "store_id"),
        required=frozenset({"chain_id", "store_id"}),
        listed_by=None,
        missing={"chain_id": RejectReason.NO_CHAIN, "store_id": RejectReason.NO_STORE},
        unreadable={},
        defaults={"sub_chain_id": "0"},
        exact=frozenset(),
        zeros_unknown=frozenset(),
        longest={"chain_id": MAX_CODE_LENGTH},
    ),
}

DECIDING_TERMS: Final = frozenset(
    {"promotion_id", "group_id", "reward_type", "discount_type", "discount_rate", "discounted_price"}
    | {"discounted_price_per_mida", "min_quantity", "min_purchase_amount", "min_basket_amount", "gift_count"}
    | {"is_weighted", "is_coupon", "is_total", "is_active", "club_ids", "description", "remarks"}
)
"""The terms that decide what an offer costs and for whom, `is_active` because it tells layouts apart.

Without one of them the offer would look better than it is: `2 for 10` without its quantity is 10 for one.
"""
NOT_TERMS: Final = frozenset({"file_id", "row_number", "content_hash", "items"})
TERMS: Final = Rules(
    schema=pa.schema([field for field in PROMOTIONS if field.name not in NOT_TERMS]),
    key=("row_number",),  # equal terms become one offer in `offers`
    required=DECIDING_TERMS,
    listed_by="promotion_id",
    missing={"promotion_id": RejectReason.NO_PROMOTION_ID},
    unreadable={"discounted_price": RejectReason.BAD_PRICE},
    defaults={"group_id": "1"},
    exact=frozenset(),
    zeros_unknown=frozenset(),
    longest={"promotion_id": MAX_CODE_LENGTH},
)
"""The terms of a promotion: everything but its items."""
ITEMS: Final = Rules(
    schema=pa.schema(list(OFFER_ITEM)),
    key=("row_number",),
    required=frozenset({"code", "is_gift"}),  # a gift taken for an item to buy would have a price
    listed_by=None,
    missing={},  # items without a code are written on purpose, for promotions on whatever is bought
    unreadable={},
    defaults={},
    exact=frozenset({"gift_price"}),
    zeros_unknown=frozenset({"code"}),
    longest={"code": MAX_CODE_LENGTH},
)
"""An item of an offer."""
