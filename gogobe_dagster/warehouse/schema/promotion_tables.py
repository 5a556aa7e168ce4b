"""The tables of promotions: what is offered, once a chain, and which stores carry it since when.

A promotion's row is one content of it: the same promotion with other terms or items is another row. So a
promotion of 400 stores is one row here and 400 short rows in promotion_store. No queries here.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from gogobe_dagster.warehouse.schema.columns import Exact, Moment, Money, column, metadata

PROMOTION_ID_LIMIT = 64
"""Longest promotion id kept; the longest real one has 10 digits."""

promotion = sa.Table(
    "promotion",
    metadata,
    column("promotion_key", sa.Integer(), "Surrogate key of one content of one promotion.",
           sa.Identity(always=True), key=True),
    column("chain_id", sa.Text(), "Natural key, part 1: the chain.", sa.ForeignKey("chain.chain_id"),
           null=False),
    column("promotion_id", Exact, "Natural key, part 2: the chain's number of it, leading zeros dropped.",
           null=False),
    column("content_hash", sa.Uuid(), "Natural key, part 3: hash of all its offers as published.",
           null=False),
    column("description", sa.Text(), "The chain's words for it: those of its first offer."),
    column("starts_at", Moment, "Earliest start of its offers; null: one of them does not say."),
    column("ends_at", Moment, "Latest end of its offers; null: one of them does not say."),
    column("invalid_item_codes", ARRAY(sa.Text()),
           "Item codes in it that cannot be codes, sorted, at most 100 characters of each; null: none."),
    sa.UniqueConstraint("chain_id", "promotion_id", "content_hash"),
    sa.CheckConstraint(f"char_length(promotion_id) between 1 and {PROMOTION_ID_LIMIT}", name="promotion_id"),
    comment="One content of a promotion, once a chain, however many stores publish it. Never changes.",
)  # fmt: skip

promotion_offer = sa.Table(
    "promotion_offer",
    metadata,
    column("promotion_key", sa.Integer(), "The promotion's content.",
           sa.ForeignKey("promotion.promotion_key"), key=True),
    column("offer_number", sa.Integer(), "Number of the offer in it, from 1, by group and terms.", key=True),
    column("group_id", sa.Integer(), "Group in the promotion as published.", null=False),
    column("description", sa.Text(), "The chain's words for it."),
    column("starts_at", Moment, "From when it holds; null: not said."),
    column("ends_at", Moment, "Until when it holds; null: not said."),
    column("reward_type", sa.SmallInteger(), "RewardType as published."),
    column("discount_type", sa.SmallInteger(), "DiscountType as published."),
    column("discount_rate", Money,
           "As published: percent, hundredths of a percent, or ILS, by chain and reward."),
    column("discounted_price", Money, "ILS for min_quantity pieces; may be negative."),
    column("discounted_unit_price", Money, "ILS of one unit of measure."),
    column("min_quantity", Money, "Pieces, or kilograms, to buy at least."),
    column("max_quantity", Money,
           "Pieces, or kilograms, that it holds for at most; null and 0: no limit said."),
    column("min_purchase_amount", Money, "ILS to spend on it at least."),
    column("min_basket_amount", Money, "ILS of the whole basket at least."),
    column("min_amount", Money, "MinAmount as published."),
    column("max_amount", Money, "MaxAmount as published."),
    column("min_items_offered", sa.Integer(), "MinNoOfItemOfered as published."),
    column("gift_count", Money, "AdditionalGiftCount as published."),
    column("redemption_limit", Money, "How often one may use it; null: not said."),
    column("weight_unit", sa.SmallInteger(), "WeightUnit as published."),
    column("is_weighted", sa.Boolean(), "Quantities are kilograms; null: not said."),
    column("allows_multiple_discounts", sa.Boolean(), "Whether others may be used with it; null: not said."),
    column("is_coupon", sa.Boolean(), "Needs a coupon; null: not said."),
    column("is_total", sa.Boolean(), "Holds for the whole basket; null: not said."),
    column("is_active", sa.Boolean(), "AdditionalIsActive as published; null: not said."),
    column("club_ids", sa.Text(), "Codes of the clubs it is for, with commas; 0: everybody; null: not said."),
    column("days", sa.Text(), "PromotionDays as published; null: every day."),
    column("remarks", sa.Text(), "Remarks and restrictions in the chain's words."),
    comment="What a promotion offers: the same terms for all items of an offer.",
)  # fmt: skip

# Items and stores have no foreign keys, like prices: the checks would cost more than the rows; a test looks
# for orphans.
promotion_item = sa.Table(
    "promotion_item",
    metadata,
    column("promotion_key", sa.Integer(), "The promotion's content.", key=True),
    column("offer_number", sa.Integer(), "Its offer.", key=True),
    column("product_key", sa.Integer(), "The product.", key=True),
    column("is_gift", sa.Boolean(), "What one gets, not what one has to buy.", key=True),
    column("gift_price", Money, "Price in ILS of a gift that is not free; null: not said."),
    sa.Index(None, "product_key"),
    comment="What an offer holds for; none: it names no item.",
)

promotion_store = sa.Table(
    "promotion_store",
    metadata,
    column("store_key", sa.Integer(), "The store.", key=True),
    column("promotion_id", Exact, "The chain's number of the promotion.", key=True),
    column("valid_from", Moment, "First published so.", key=True),
    column("valid_to", Moment,
           "First published otherwise, or absent from a full file; null: the store still carries it."),
    column("promotion_key", sa.Integer(), "The content that it carries.", null=False),
    column("file_id", sa.BigInteger(), "The file that first said so.", null=False),
    column("closed_by_file_id", sa.BigInteger(), "The file that first said otherwise."),
    sa.CheckConstraint("valid_to > valid_from", name="period"),
    sa.CheckConstraint("(valid_to is null) = (closed_by_file_id is null)", name="end"),
    sa.Index("promotion_store_now_idx", "store_key", "promotion_id", unique=True,
             postgresql_where=sa.text("valid_to is null")),
    sa.Index("promotion_store_where_idx", "promotion_key", "store_key",
             postgresql_where=sa.text("valid_to is null")),
    comment="Which content of which promotion a store carries, and when: a row a period without change.",
)  # fmt: skip
