"""The one model of every dialect, as Arrow schemas: a price, a store, an offer of a promotion.

Each field says in its metadata what it means, in which unit, and what a null means. Money and
quantities are exact decimals, times are UTC instants read as Asia/Jerusalem. Which tags feed a field
is in `dialects`. The lake keeps these columns; the warehouse loads from them.
"""

import pyarrow as pa

from gogobe_dagster.parsing.column_types import ARROW_DECIMAL, ARROW_TIMESTAMP

SCHEMA_VERSION = 1


def _field(name: str, type_: pa.DataType, meaning: str, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, type_, nullable=nullable, metadata={"meaning": meaning})


OBSERVATION = (
    _field("file_id", pa.int64(), "The ledger's id of the file that says so.", nullable=False),
    _field("row_number", pa.int32(), "Place of the row in its document, from 1.", nullable=False),
)
"""The columns that every lake table begins with."""

PRICES = pa.schema(
    [
        *OBSERVATION,
        _field("code", pa.string(), "Item code as published, trimmed, zeros kept.", nullable=False),
        _field("article", pa.string(), "ItemId where a chain tells articles of one code apart by it."),
        _field(
            "is_barcode",
            pa.bool_(),
            "ItemType 1: the code is a GTIN; false: the chain's own; null: not said.",
        ),
        _field("name", pa.string(), "The chain's name of the item."),
        _field("manufacturer", pa.string(), "Manufacturer as published."),
        _field("country", pa.string(), "Country of manufacture as published, mostly ISO 3166 alpha-2."),
        _field("description", pa.string(), "The manufacturer's description."),
        _field("unit_quantity", pa.string(), "UnitQty: the unit in words, such as liters or grams."),
        _field("quantity", ARROW_DECIMAL, "Content of the package in `unit_quantity`; null: not known."),
        _field("unit_of_measure", pa.string(), "What `unit_price` is for, such as 100 grams."),
        _field("is_weighted", pa.bool_(), "Sold by weight; null: not said."),
        _field("quantity_in_package", ARROW_DECIMAL, "Pieces in a package; null: not known."),
        _field(
            "price", ARROW_DECIMAL, "Shelf price in ILS with VAT; 0 and negative are kept.", nullable=False
        ),
        _field("unit_price", ARROW_DECIMAL, "Price in ILS of one `unit_of_measure`; null: not said."),
        _field("allows_discount", pa.bool_(), "Whether promotions apply; null: not said."),
        _field("status", pa.int16(), "ItemStatus as published; null: not said."),
        _field("price_set_at", ARROW_TIMESTAMP, "When the chain last changed the price; null: not said."),
        _field(
            "last_sold_at", ARROW_TIMESTAMP, "When the store last sold one (2026 dialect); null: not said."
        ),
    ]
)

PRODUCT_TEXT = (
    "code", "is_barcode", "name", "manufacturer", "country", "description", "unit_quantity", "quantity",
    "unit_of_measure", "is_weighted", "quantity_in_package",
)  # fmt: skip
"""What a row of PRICES says of the product itself; mostly every store of a chain says the same, every day."""

STORES = pa.schema(
    [
        *OBSERVATION,
        _field("chain_id", pa.string(), "Chain id as published in the document.", nullable=False),
        _field("chain_name", pa.string(), "Chain name."),
        _field("sub_chain_id", pa.int32(), "Sub-chain id as an integer; 0: none.", nullable=False),
        _field("sub_chain_name", pa.string(), "Sub-chain name."),
        _field("store_id", pa.int32(), "Store id as an integer.", nullable=False),
        _field("check_digit", pa.int16(), "BikoretNo."),
        _field("store_type", pa.int16(), "1 a shop, 2 online, 3 both; null: not said."),
        _field("name", pa.string(), "Store name."),
        _field("address", pa.string(), "Street address."),
        _field("city", pa.string(), "City as published: a name, or a CBS locality code in digits."),
        _field("zip_code", pa.string(), "Postal code."),
    ]
)

OFFER_ITEM = pa.struct(
    [
        _field("code", pa.string(), "Item code as published, trimmed, zeros kept.", nullable=False),
        _field(
            "is_barcode",
            pa.bool_(),
            "ItemType 1: the code is a GTIN; false: the chain's own; null: not said.",
        ),
        _field("is_gift", pa.bool_(), "What one gets, not what one has to buy.", nullable=False),
        _field("gift_price", ARROW_DECIMAL, "Price in ILS of a gift that is not free; null: not said."),
    ]
)

PROMOTIONS = pa.schema(
    [
        *OBSERVATION,
        _field(
            "promotion_id", pa.string(), "The chain's number of it, leading zeros dropped.", nullable=False
        ),
        _field(
            "content_hash",
            pa.string(),
            "Of all offers of the promotion, as 32 hex digits; see `offers`.",
            nullable=False,
        ),
        _field("group_id", pa.int32(), "Group in the promotion; 1 where a dialect has none.", nullable=False),
        _field("description", pa.string(), "The chain's words for it."),
        _field("starts_at", ARROW_TIMESTAMP, "From when it holds; null: not said."),
        _field("ends_at", ARROW_TIMESTAMP, "Until when it holds; null: not said."),
        _field("updated_at", ARROW_TIMESTAMP, "When the chain last changed it; not part of the content."),
        _field(
            "reward_type",
            pa.int16(),
            "RewardType as published; nobody says officially what the numbers mean.",
        ),
        _field("discount_type", pa.int16(), "DiscountType as published."),
        _field(
            "discount_rate",
            ARROW_DECIMAL,
            "As published: percent, hundredths of a percent, or ILS, by chain and reward.",
        ),
        _field("discounted_price", ARROW_DECIMAL, "ILS for `min_quantity` pieces; may be negative."),
        _field(
            "discounted_unit_price", ARROW_DECIMAL, "ILS of one unit of measure (DiscountedPricePerMida)."
        ),
        _field("min_quantity", ARROW_DECIMAL, "Pieces, or kilograms, to buy at least."),
        _field(
            "max_quantity",
            ARROW_DECIMAL,
            "Pieces, or kilograms, that it holds for at most; null and 0: no limit said.",
        ),
        _field("min_purchase_amount", ARROW_DECIMAL, "ILS to spend on it at least."),
        _field("min_basket_amount", ARROW_DECIMAL, "ILS of the whole basket at least."),
        _field("min_amount", ARROW_DECIMAL, "MinAmount as published."),
        _field("max_amount", ARROW_DECIMAL, "MaxAmount as published."),
        _field("min_items_offered", pa.int32(), "MinNoOfItemOfered as published."),
        _field("gift_count", ARROW_DECIMAL, "AdditionalGiftCount as published."),
        _field("redemption_limit", ARROW_DECIMAL, "How often one may use it; null: not said."),
        _field("weight_unit", pa.int16(), "WeightUnit as published."),
        _field("is_weighted", pa.bool_(), "Quantities are kilograms; null: not said."),
        _field(
            "allows_multiple_discounts", pa.bool_(), "Whether others may be used with it; null: not said."
        ),
        _field("is_coupon", pa.bool_(), "Needs a coupon; null: not said."),
        _field("is_total", pa.bool_(), "Holds for the whole basket (AdditionalIsTotal); null: not said."),
        _field("is_active", pa.bool_(), "AdditionalIsActive; null: not said."),
        _field(
            "club_ids",
            pa.string(),
            "Codes of the clubs it is for, sorted, with commas; 0: everybody; null: not said.",
        ),
        _field("days", pa.string(), "PromotionDays as published; null: every day."),
        _field("remarks", pa.string(), "Remarks and restrictions in the chain's words."),
        _field(
            "items",
            pa.list_(pa.field("item", OFFER_ITEM, nullable=False)),
            "What it holds for, sorted by gift and code, each once; empty: no item is named.",
            nullable=False,
        ),
    ]
)
