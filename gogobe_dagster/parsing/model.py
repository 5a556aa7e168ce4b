"""The one model of every dialect: a row of a price file and a row of a store list, as Arrow schemas.

Each field says in its metadata what it means, in which unit, and what a null means. Money and
quantities are exact decimals, times are UTC instants read as Asia/Jerusalem. Which tags feed a field
is in `dialects`. The lake keeps exactly these columns; the warehouse loads from them.
"""

import pyarrow as pa

SCHEMA_VERSION = 1
DECIMAL = pa.decimal128(14, 4)
MOMENT = pa.timestamp("us", tz="UTC")


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
        _field("quantity", DECIMAL, "Content of the package in `unit_quantity`; null: not known."),
        _field("unit_of_measure", pa.string(), "What `unit_price` is for, such as 100 grams."),
        _field("is_weighted", pa.bool_(), "Sold by weight; null: not said."),
        _field("quantity_in_package", DECIMAL, "Pieces in a package; null: not known."),
        _field("price", DECIMAL, "Shelf price in ILS with VAT; 0 and negative are kept.", nullable=False),
        _field("unit_price", DECIMAL, "Price in ILS of one `unit_of_measure`; null: not said."),
        _field("allows_discount", pa.bool_(), "Whether promotions apply; null: not said."),
        _field("status", pa.int16(), "ItemStatus as published; null: not said."),
        _field("priced_at", MOMENT, "When the chain last changed the price; null: not said."),
        _field("last_sold_at", MOMENT, "When the store last sold one (2026 dialect); null: not said."),
    ]
)

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
