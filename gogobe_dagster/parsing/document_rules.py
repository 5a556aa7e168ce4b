"""What is particular to each document when its text becomes the model: keys, reasons, defaults, limits.

A new document is a schema in `model` and one row here. How values are read is in `normalise`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from gogobe_dagster.files.kinds import Document
from gogobe_dagster.parsing.model import OFFER_ITEM, PRICES, PROMOTIONS, STORES

MOST_CODE_CHARACTERS: Final = 64
"""The longest real code has 14; longer than this is no code, and too long for an index."""

MOST_TEXT_BYTES: Final = 1 << 15
"""The longest real name has 200; a row with more than this in any field is rejected as out_of_range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is particular to a document, beside its schema."""

    schema: pa.Schema
    key: tuple[str, ...]
    """Rows that agree in these speak of the same thing; the last statement counts."""
    missing: Mapping[str, str]
    """Reason when a column that must be there is not."""
    unreadable: Mapping[str, str]
    """Reason when a column cannot be read, where the type's own reason is too general."""
    defaults: Mapping[str, str]
    exact: frozenset[str]
    """Numbers that are never rounded."""
    longest: Mapping[str, int]
    """Bytes of text in a column, where it is less than MOST_TEXT_BYTES."""


RULES: Final = {
    Document.PRICES: Rules(
        schema=PRICES,
        key=("code", "article"),
        missing={"code": "no_code", "price": "no_price"},
        unreadable={"price": "bad_price"},
        defaults={},
        exact=frozenset({"price"}),
        longest={"code": MOST_CODE_CHARACTERS},
    ),
    Document.STORES: Rules(
        schema=STORES,
        key=("chain_id", "sub_chain_id", "store_id"),
        missing={"chain_id": "no_chain", "store_id": "no_store"},
        unreadable={},
        defaults={"sub_chain_id": "0"},
        exact=frozenset(),
        longest={"chain_id": MOST_CODE_CHARACTERS},
    ),
}

NOT_TERMS: Final = frozenset({"file_id", "row_number", "content_hash", "items"})
TERMS: Final = Rules(
    schema=pa.schema([one for one in PROMOTIONS if one.name not in NOT_TERMS]),
    key=("row_number",),  # which statements are one offer is settled in `offers`
    missing={"promotion_id": "no_promotion_id"},
    unreadable={"discounted_price": "bad_price"},
    defaults={"group_id": "1"},
    exact=frozenset(),
    longest={"promotion_id": MOST_CODE_CHARACTERS},
)
"""Of a promotion, all but its items."""
ITEMS: Final = Rules(
    schema=pa.schema(list(OFFER_ITEM)),
    key=("row_number",),
    missing={},  # without a code no item is named, which is said on purpose
    unreadable={"gift_price": "bad_price"},
    defaults={},
    exact=frozenset({"gift_price"}),
    longest={"code": MOST_CODE_CHARACTERS},
)
"""An item of an offer."""
