"""The tables of what people watch, and of what they decide. No queries here."""

import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.columns import Money, Timestamp, column, metadata, one_of
from gogobe_dagster.warehouse.schema.enums import Decision

watch = sa.Table(
    "watch",
    metadata,
    column("watch_key", sa.Integer(), "Surrogate key: the number in `gogobe watch list`.",
           sa.Identity(always=True), key=True),
    column("gtin", sa.Text(), "The GTIN whose price is watched.", null=False),
    column("locality_code", sa.Integer(), "Only stores of this locality; null: all stores."),
    column("added_at", Timestamp, "When it was added.", null=False),
    sa.UniqueConstraint("gtin", "locality_code", postgresql_nulls_not_distinct=True),
    comment="Products whose changed prices are alerted: `gogobe watch`.",
)  # fmt: skip

watch_price = sa.Table(
    "watch_price",
    metadata,
    column("watch_key", sa.Integer(), "The watch.", sa.ForeignKey("watch.watch_key", ondelete="CASCADE"),
           key=True),
    column("store_key", sa.Integer(), "The store.", key=True),
    column("price", Money, "The price that was last alerted, or that it had when the watch began.",
           null=False),
    comment="What the next price of each watched store is compared with.",
)  # fmt: skip

product_match = sa.Table(
    "product_match",
    metadata,
    column("match_key", sa.Integer(), "Surrogate key: the number in `gogobe matching list`.",
           sa.Identity(always=True), key=True),
    column("product_key", sa.Integer(), "A product with a chain's own code.",
           sa.ForeignKey("product.product_key"), null=False),
    column("other_key", sa.Integer(), "What it may be: a GTIN, or another chain's own code.",
           sa.ForeignKey("product.product_key"), null=False),
    column("decision", sa.Text(), "proposed, accepted or rejected; only people accept and reject.",
           null=False, default="'proposed'"),
    column("decided_at", Timestamp, "When somebody last accepted or rejected it; null: nobody did."),
    column("is_end_of_gtin", sa.Boolean(), "Whether the code is the end of the other product's GTIN.",
           null=False),
    column("shared_words", sa.Text(), "Words that both names have, normalized; null: none."),
    column("base_unit", sa.Text(), "Unit of the content that both have; null: not the same, or not known."),
    column("base_quantity", sa.Numeric(14, 6), "Content that both have, in base_unit."),
    column("brand", sa.Text(), "The brand that both have; null: not the same, or not known."),
    sa.UniqueConstraint("product_key", "other_key"),
    sa.CheckConstraint("product_key <> other_key", name="two_products"),
    sa.CheckConstraint(one_of("decision", Decision), name="decision"),
    sa.CheckConstraint("(decision = 'proposed') = (decided_at is null)", name="decided"),
    sa.Index("product_match_accepted_idx", "product_key", unique=True,
             postgresql_where=sa.text("decision = 'accepted'")),
    sa.Index(None, "other_key"),
    comment="Products of chains' own codes that may be the product of another chain, with the evidence.",
)  # fmt: skip
