"""What each column means: the one place for the lake, the comments in the database and the pages of docs.

Nothing is imported here, so that the warehouse's tables can use these texts without loading Arrow.
"""

from collections.abc import Mapping
from typing import Final

OBSERVATION: Final[Mapping[str, str]] = {
    "file_id": "The ledger's id of the file that contains the row.",
    "row_number": "Position of the row in its document, from 1.",
}
PRICE: Final[Mapping[str, str]] = {
    "code": "Item code as published, trimmed, zeros kept.",
    "article": "ItemId, where a chain uses it to distinguish articles with one code.",
    "is_barcode": "ItemType 1: the code is a GTIN; false: the chain's own code; null if absent.",
    "name": "The chain's name of the product.",
    "manufacturer": "Manufacturer as published.",
    "country": "Country of manufacture as published: an ISO 3166 code, or its name in Hebrew.",
    "description": "The manufacturer's description.",
    "unit_quantity": "UnitQty: the name of the unit of `quantity`, such as liters or grams.",
    "quantity": "Content of the package in `unit_quantity`; null if unknown.",
    "unit_of_measure": "UnitOfMeasure as published, such as 100 grams; often not the unit of"
    " `published_unit_price`.",
    "is_weighted": "Sold by weight; null if absent.",
    "quantity_in_package": "Pieces in a package; null if unknown.",
    "price": "Shelf price in ILS with VAT; 0 and negative values are kept. In the lake, null if it cannot be"
    " read: the file lists the code all the same.",
    "published_unit_price": "UnitOfMeasurePrice as published, in ILS. At most chains `price` / `quantity`, so"
    " per gram or millilitre where that is the unit of `quantity`, whatever `unit_of_measure` says; at"
    " Shufersal, Keshet, AM:PM and Mahsanei HaShuk of one `unit_of_measure`; at some, such as King Store,"
    " neither. Not comparable between chains; null if absent.",
    "allows_discount": "Whether promotions apply; null if absent.",
    "status": "ItemStatus as published; null if absent.",
    "price_set_at": "When the chain last changed the price, as published; null if absent.",
    "last_sold_at": "When the store last sold one (layout of 2026); null if absent.",
}
STORE: Final[Mapping[str, str]] = {
    "chain_id": "Chain id as published in the document.",
    "chain_name": "Name of the chain.",
    "sub_chain_id": "Sub-chain id as an integer; 0: none.",
    "sub_chain_name": "Name of the sub-chain: the brand on the shop.",
    "store_id": "The store's number in its sub-chain, as an integer.",
    "check_digit": "BikoretNo as published.",
    "store_type": "1: a shop, 2: online, 3: both; null if absent.",
    "name": "Name of the store.",
    "address": "Street address.",
    "city": "City as published: a name, or a CBS locality code in digits.",
    "zip_code": "Postal code.",
}
ITEM: Final[Mapping[str, str]] = {
    "code": PRICE["code"],
    "is_barcode": PRICE["is_barcode"],
    "is_gift": "A gift that the customer gets; false: an item to buy.",
    "gift_price": "Price in ILS of a gift that is not free; null if absent.",
}
OFFER: Final[Mapping[str, str]] = {
    "promotion_id": "The chain's number of the promotion, without leading zeros.",
    "content_hash": "Hash of all offers of the promotion, as 32 hex digits. In the lake, null if its terms"
    " cannot be read: the file lists the promotion all the same.",
    "group_id": "Group in the promotion; 1 where the layout has no groups.",
    "description": "The chain's description of the promotion.",
    "starts_at": "Start of the promotion; null if absent.",
    "ends_at": "End of the promotion; null if absent.",
    "updated_at": "When the chain last changed it; not part of the content.",
    "reward_type": "RewardType as published; no official document defines the numbers.",
    "discount_type": "DiscountType as published.",
    "discount_rate": "As published: percent, hundredths of a percent, or ILS, by chain and reward.",
    "discounted_price": "Price in ILS of `min_quantity` pieces, or of one; by weight of a kilogram or of all,"
    " by chain; may be negative.",
    "discounted_price_per_mida": "DiscountedPricePerMida as published: ILS of a piece, a kilogram, 100 grams"
    " or all, by chain.",
    "min_quantity": "Minimum number of pieces, or kilograms, to buy.",
    "max_quantity": "Maximum number of pieces, or kilograms (at some chains grams), with the discount; null"
    " or 0: no limit stated.",
    "min_purchase_amount": "Minimum amount in ILS to spend on its items.",
    "min_basket_amount": "Minimum amount in ILS of the whole basket.",
    "min_amount": "MinAmount as published.",
    "max_amount": "MaxAmount as published.",
    "min_items_offered": "MinNoOfItemOfered as published.",
    "gift_count": "AdditionalGiftCount as published.",
    "redemption_limit": "How often one customer may use it; null if absent.",
    "weight_unit": "WeightUnit as published.",
    "is_weighted": "Quantities are kilograms; null if absent.",
    "allows_multiple_discounts": "Whether it can be combined with others; null if absent.",
    "is_coupon": "Requires a coupon; null if absent.",
    "is_total": "Applies to the whole basket (AdditionalIsTotal); null if absent.",
    "is_active": "AdditionalIsActive as published; null if absent.",
    "club_ids": "Codes of the customer clubs it is for, sorted, with commas; 0: everybody; null if absent.",
    "days": "PromotionDays as published; null: every day.",
    "remarks": "Remarks and restrictions in the chain's words.",
    "items": "The items it applies to, sorted by gift and code, each once; empty: it names no item.",
}
