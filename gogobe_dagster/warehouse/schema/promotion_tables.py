"""The tables of promotions: what is offered, once per chain, and which stores have it since when.

Each row of `promotion` is one version: the same promotion with other terms or items is another row. So a
promotion of 400 stores is one row there and 400 short rows in promotion_store. No queries here.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from gogobe_dagster.parsing import meanings
from gogobe_dagster.warehouse.schema.columns import Exact, Money, Timestamp, column, metadata

PROMOTION_ID_LIMIT = 64
"""Longest promotion id kept; the longest real one has 10 digits."""

promotion = sa.Table(
    "promotion",
    metadata,
    column("promotion_key", sa.Integer(), "Surrogate key of one version of one promotion.",
           sa.Identity(always=True), key=True),
    column("chain_id", sa.Text(), "Natural key, part 1: the chain.", sa.ForeignKey("chain.chain_id"),
           null=False),
    column("promotion_id", Exact,
                "Natural key, part 2: the chain's number of the promotion, without leading zeros.",
           null=False),
    column("content_hash", sa.Uuid(), "Natural key, part 3: hash of all offers as published.",
           null=False),
    column("description", sa.Text(), "The chain's description, from the first offer."),
    column("starts_at", Timestamp, "Earliest start of its offers; null: an offer has none."),
    column("ends_at", Timestamp, "Latest end of its offers; null: an offer has none."),
    column("invalid_item_codes", ARRAY(sa.Text()),
           "Invalid item codes in it, sorted, the first 100 characters of each; null: none."),
    sa.UniqueConstraint("chain_id", "promotion_id", "content_hash"),
    sa.CheckConstraint(f"char_length(promotion_id) between 1 and {PROMOTION_ID_LIMIT}", name="promotion_id"),
    comment="One row per version of a chain's promotion, however many stores publish it. Never changes.",
)  # fmt: skip

promotion_offer = sa.Table(
    "promotion_offer",
    metadata,
    column("promotion_key", sa.Integer(), "The promotion version.",
           sa.ForeignKey("promotion.promotion_key"), key=True),
    column("offer_number", sa.Integer(),
                "Number of the offer in the version, from 1, by group and terms.", key=True),
    column("group_id", sa.Integer(), meanings.OFFER["group_id"], null=False),
    column("description", sa.Text(), meanings.OFFER["description"]),
    column("starts_at", Timestamp, meanings.OFFER["starts_at"]),
    column("ends_at", Timestamp, meanings.OFFER["ends_at"]),
    column("reward_type", sa.SmallInteger(), meanings.OFFER["reward_type"]),
    column("discount_type", sa.SmallInteger(), meanings.OFFER["discount_type"]),
    column("discount_rate", Money,
           meanings.OFFER["discount_rate"]),
    column("discounted_price", Money, meanings.OFFER["discounted_price"]),
    column("discounted_price_per_mida", Money, meanings.OFFER["discounted_price_per_mida"]),
    column("min_quantity", Money, meanings.OFFER["min_quantity"]),
    column("max_quantity", Money,
           meanings.OFFER["max_quantity"]),
    column("min_purchase_amount", Money, meanings.OFFER["min_purchase_amount"]),
    column("min_basket_amount", Money, meanings.OFFER["min_basket_amount"]),
    column("min_amount", Money, meanings.OFFER["min_amount"]),
    column("max_amount", Money, meanings.OFFER["max_amount"]),
    column("min_items_offered", sa.Integer(), meanings.OFFER["min_items_offered"]),
    column("gift_count", Money, meanings.OFFER["gift_count"]),
    column("redemption_limit", Money, meanings.OFFER["redemption_limit"]),
    column("weight_unit", sa.SmallInteger(), meanings.OFFER["weight_unit"]),
    column("is_weighted", sa.Boolean(), meanings.OFFER["is_weighted"]),
    column("allows_multiple_discounts", sa.Boolean(), meanings.OFFER["allows_multiple_discounts"]),
    column("is_coupon", sa.Boolean(), meanings.OFFER["is_coupon"]),
    column("is_total", sa.Boolean(), meanings.OFFER["is_total"]),
    column("is_active", sa.Boolean(), meanings.OFFER["is_active"]),
    column("club_ids", sa.Text(), meanings.OFFER["club_ids"]),
    column("days", sa.Text(), meanings.OFFER["days"]),
    column("remarks", sa.Text(), meanings.OFFER["remarks"]),
    column("regular_price_share", sa.Numeric(10, 8),
           "Part of the regular price that a unit costs; null: see no_price_reason."),
    column("fixed_unit_price", Money,
           "ILS that a piece costs beside that part; null: see no_price_reason."),
    column("fixed_kilogram_price", Money,
           "ILS that a kilogram costs beside that part; null: see no_price_reason."),
    column("is_by_weight", sa.Boolean(),
           "Quantities are kilograms, by flag, fraction or words; null: the offer does not tell."),
    column("min_total_quantity", Money,
           "Pieces or kilograms to buy, in all legs together; null: see no_price_reason."),
    column("needs_coupon", sa.Boolean(), "Requires a coupon, by its flag or its words.", null=False),
    column("needs_club", sa.Boolean(), "For members of a club, by its codes or its words.", null=False),
    column("is_compensation", sa.Boolean(), "A coupon that compensates a single customer.", null=False),
    column("no_price_reason", sa.Text(), "Why no price of a unit follows from it; null: one does."),
    comment="One row per offer of a promotion version: the terms that all items of the offer share.",
)  # fmt: skip

# Items and stores have no foreign keys, like prices: the checks would cost more than the rows; a test looks
# for orphans.
promotion_item = sa.Table(
    "promotion_item",
    metadata,
    column("promotion_key", sa.Integer(), "The promotion version.", key=True),
    column("offer_number", sa.Integer(), "The offer in the version.", key=True),
    column("product_key", sa.Integer(), "The product.", key=True),
    column("is_gift", sa.Boolean(), meanings.ITEM["is_gift"], key=True),
    column("gift_price", Money, meanings.ITEM["gift_price"]),
    sa.Index(None, "product_key"),
    comment="The items of each offer; an offer without rows names no item.",
)

promotion_store = sa.Table(
    "promotion_store",
    metadata,
    column("store_key", sa.Integer(), "The store.", key=True),
    column("promotion_id", Exact, "The chain's number of the promotion.", key=True),
    column("valid_from", Timestamp, "Timestamp of the first file with this version.", key=True),
    column("valid_to", Timestamp,
           "Timestamp of the first file with another version, or of the first full file without the"
           " promotion; null: the store still has it."),
    column("promotion_key", sa.Integer(), "The promotion version in this period.", null=False),
    column("file_id", sa.BigInteger(), "The first file with this version.", null=False),
    column("closed_by_file_id", sa.BigInteger(), "The file that ended the period."),
    sa.CheckConstraint("valid_to > valid_from", name="period"),
    sa.CheckConstraint("(valid_to is null) = (closed_by_file_id is null)", name="end"),
    sa.Index("promotion_store_now_idx", "store_key", "promotion_id", unique=True,
             postgresql_where=sa.text("valid_to is null")),
    sa.Index("promotion_store_where_idx", "promotion_key", "store_key",
             postgresql_where=sa.text("valid_to is null")),
    comment="Valid-time history: one row per period in which a store had one version of a promotion.",
)  # fmt: skip
