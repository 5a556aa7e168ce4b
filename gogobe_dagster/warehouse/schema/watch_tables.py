"""The tables of what people watch, and of what they decide. No queries here."""

import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.columns import Money, Timestamp, column, metadata

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
