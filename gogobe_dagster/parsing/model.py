"""The one model of every dialect, as Arrow schemas: a price, a store, an offer of a promotion.

The metadata of each field has its meaning (`meanings`), its unit, and what null means. Money and
quantities are exact decimals, times are UTC instants read as Asia/Jerusalem. Which tags feed a field
is in `dialects`. The lake keeps these columns; the warehouse loads from them.
"""

from collections.abc import Mapping

import pyarrow as pa

from gogobe_dagster.parsing import meanings
from gogobe_dagster.parsing.column_types import ARROW_DECIMAL, ARROW_TIMESTAMP

SCHEMA_VERSION = 1


def _field(name: str, type_: pa.DataType, described: Mapping[str, str], *, nullable: bool = True) -> pa.Field:
    return pa.field(name, type_, nullable=nullable, metadata={"meaning": described[name]})


OBSERVATION = (
    _field("file_id", pa.int64(), meanings.OBSERVATION, nullable=False),
    _field("row_number", pa.int32(), meanings.OBSERVATION, nullable=False),
)
"""The columns that every lake table begins with."""

PRICES = pa.schema(
    [
        *OBSERVATION,
        _field("code", pa.string(), meanings.PRICE, nullable=False),
        _field("article", pa.string(), meanings.PRICE),
        _field("is_barcode", pa.bool_(), meanings.PRICE),
        _field("name", pa.string(), meanings.PRICE),
        _field("manufacturer", pa.string(), meanings.PRICE),
        _field("country", pa.string(), meanings.PRICE),
        _field("description", pa.string(), meanings.PRICE),
        _field("unit_quantity", pa.string(), meanings.PRICE),
        _field("quantity", ARROW_DECIMAL, meanings.PRICE),
        _field("unit_of_measure", pa.string(), meanings.PRICE),
        _field("is_weighted", pa.bool_(), meanings.PRICE),
        _field("quantity_in_package", ARROW_DECIMAL, meanings.PRICE),
        _field("price", ARROW_DECIMAL, meanings.PRICE),
        _field("published_unit_price", ARROW_DECIMAL, meanings.PRICE),
        _field("allows_discount", pa.bool_(), meanings.PRICE),
        _field("status", pa.int16(), meanings.PRICE),
        _field("price_set_at", ARROW_TIMESTAMP, meanings.PRICE),
        _field("last_sold_at", ARROW_TIMESTAMP, meanings.PRICE),
    ]
)

PRODUCT_TEXT = (
    "code", "is_barcode", "name", "manufacturer", "country", "description", "unit_quantity", "quantity",
    "unit_of_measure", "is_weighted", "quantity_in_package",
)  # fmt: skip
"""What a row of PRICES states about the product itself, mostly the same in all stores of a chain."""

STORES = pa.schema(
    [
        *OBSERVATION,
        _field("chain_id", pa.string(), meanings.STORE, nullable=False),
        _field("chain_name", pa.string(), meanings.STORE),
        _field("sub_chain_id", pa.int32(), meanings.STORE, nullable=False),
        _field("sub_chain_name", pa.string(), meanings.STORE),
        _field("store_id", pa.int32(), meanings.STORE, nullable=False),
        _field("check_digit", pa.int16(), meanings.STORE),
        _field("store_type", pa.int16(), meanings.STORE),
        _field("name", pa.string(), meanings.STORE),
        _field("address", pa.string(), meanings.STORE),
        _field("city", pa.string(), meanings.STORE),
        _field("zip_code", pa.string(), meanings.STORE),
    ]
)

OFFER_ITEM = pa.struct(
    [
        _field("code", pa.string(), meanings.ITEM, nullable=False),
        _field("is_barcode", pa.bool_(), meanings.ITEM),
        _field("is_gift", pa.bool_(), meanings.ITEM, nullable=False),
        _field("gift_price", ARROW_DECIMAL, meanings.ITEM),
    ]
)

PROMOTIONS = pa.schema(
    [
        *OBSERVATION,
        _field("promotion_id", pa.string(), meanings.OFFER, nullable=False),
        _field("content_hash", pa.string(), meanings.OFFER),
        _field("group_id", pa.int32(), meanings.OFFER, nullable=False),
        _field("description", pa.string(), meanings.OFFER),
        _field("starts_at", ARROW_TIMESTAMP, meanings.OFFER),
        _field("ends_at", ARROW_TIMESTAMP, meanings.OFFER),
        _field("updated_at", ARROW_TIMESTAMP, meanings.OFFER),
        _field("reward_type", pa.int16(), meanings.OFFER),
        _field("discount_type", pa.int16(), meanings.OFFER),
        _field("discount_rate", ARROW_DECIMAL, meanings.OFFER),
        _field("discounted_price", ARROW_DECIMAL, meanings.OFFER),
        _field("discounted_price_per_mida", ARROW_DECIMAL, meanings.OFFER),
        _field("min_quantity", ARROW_DECIMAL, meanings.OFFER),
        _field("max_quantity", ARROW_DECIMAL, meanings.OFFER),
        _field("min_purchase_amount", ARROW_DECIMAL, meanings.OFFER),
        _field("min_basket_amount", ARROW_DECIMAL, meanings.OFFER),
        _field("min_amount", ARROW_DECIMAL, meanings.OFFER),
        _field("max_amount", ARROW_DECIMAL, meanings.OFFER),
        _field("min_items_offered", pa.int32(), meanings.OFFER),
        _field("gift_count", ARROW_DECIMAL, meanings.OFFER),
        _field("redemption_limit", ARROW_DECIMAL, meanings.OFFER),
        _field("weight_unit", pa.int16(), meanings.OFFER),
        _field("is_weighted", pa.bool_(), meanings.OFFER),
        _field("allows_multiple_discounts", pa.bool_(), meanings.OFFER),
        _field("is_coupon", pa.bool_(), meanings.OFFER),
        _field("is_total", pa.bool_(), meanings.OFFER),
        _field("is_active", pa.bool_(), meanings.OFFER),
        _field("club_ids", pa.string(), meanings.OFFER),
        _field("days", pa.string(), meanings.OFFER),
        _field("remarks", pa.string(), meanings.OFFER),
        _field(
            "items", pa.list_(pa.field("item", OFFER_ITEM, nullable=False)), meanings.OFFER, nullable=False
        ),
    ]
)
