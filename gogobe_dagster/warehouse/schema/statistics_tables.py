"""The tables of statistics: what `warehouse.statistics` finds in the other tables. No queries here."""

import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.columns import Money, column, metadata, one_of
from gogobe_dagster.warehouse.schema.enums import IndexPeriod

product_statistics = sa.Table(
    "product_statistics",
    metadata,
    column("chain_id", sa.Text(), "The chain.", sa.ForeignKey("chain.chain_id"), key=True),
    column("product_key", sa.Integer(), "The product.", key=True),
    column("first_day", sa.Date(), "First day of which these numbers are true.", key=True),
    column("last_day", sa.Date(), "Last day of which they are true; null: they still are."),
    column("lowest_price", Money, "Lowest shelf price in ILS of the chain's stores at the end of the day.",
           null=False),
    column("median_price", Money, "Median of these prices; the lower one of two in the middle.", null=False),
    column("highest_price", Money, "Highest of these prices.", null=False),
    column("stores", sa.Integer(), "Stores of the chain that sell it at the end of the day.", null=False),
    column("promoted_stores", sa.Integer(),
           "Those of them that offer it that day in a promotion without club and coupon.", null=False),
    sa.PrimaryKeyConstraint("product_key", "chain_id", "first_day"),
    sa.CheckConstraint("last_day >= first_day", name="days"),
    sa.CheckConstraint("stores > 0 and promoted_stores between 0 and stores", name="stores"),
    sa.Index("product_statistics_now_idx", "chain_id", "product_key", unique=True,
             postgresql_where=sa.text("last_day is null")),
    sa.Index("product_statistics_begun_idx", "chain_id", "first_day"),
    sa.Index("product_statistics_ended_idx", "chain_id", "last_day",
             postgresql_where=sa.text("last_day is not null")),
    comment="Daily statistics of each product in each chain: one row for the days on which they are the same."
    " Prices of 0 are left out.",
)  # fmt: skip

statistics_progress = sa.Table(
    "statistics_progress",
    metadata,
    column("chain_id", sa.Text(), "The chain.", sa.ForeignKey("chain.chain_id"), key=True),
    column("until_day", sa.Date(), "The newest day in product_statistics; it may not have been over yet.",
           null=False),
    comment="How far the statistics of each chain reach.",
)  # fmt: skip

statistics_due = sa.Table(
    "statistics_due",
    metadata,
    column("mark_id", sa.BigInteger(), "Surrogate key.", sa.Identity(always=True), key=True),
    column("chain_id", sa.Text(), "The chain.", null=False),
    column("since_day", sa.Date(), "The first day that the loaded files are about.", null=False),
    comment="What was loaded since the last statistics; they are found again from these days on.",
)

index_product = sa.Table(
    "index_product",
    metadata,
    column("product_key", sa.Integer(), "The product, a GTIN.", key=True, autoincrement=False),
    column("base_month", sa.Date(), "First day of the month that prices are compared with.", null=False),
    column("base_price", sa.Numeric(18, 8),
           "Geometric mean over the chains of their median price in this month, in ILS.", null=False),
    comment="The fixed basket of chain_price_index.",
)  # fmt: skip

price_index = sa.Table(
    "price_index",
    metadata,
    column("chain_id", sa.Text(), "The chain.", sa.ForeignKey("chain.chain_id"), key=True),
    column("period", sa.Text(), "week, from Sunday, or month.", key=True),
    column("starts_on", sa.Date(), "Its first day.", key=True),
    column("price_index", sa.Numeric(10, 2),
           "100 times the geometric mean of price / base_price over the basket's products.", null=False),
    column("products", sa.Integer(), "Products of the basket that the chain sold in it.", null=False),
    sa.CheckConstraint(one_of("period", IndexPeriod), name="period"),
    comment="The values of chain_price_index.",
)  # fmt: skip

chain_discount = sa.Table(
    "chain_discount",
    metadata,
    column("chain_id", sa.Text(), "The chain.", sa.ForeignKey("chain.chain_id"), key=True),
    column("product_key", sa.Integer(), "The product.", key=True),
    column("promotion_key", sa.Integer(), "The promotion version.", key=True, autoincrement=False),
    column("offer_number", sa.Integer(), "The offer in the version.", key=True, autoincrement=False),
    column("stores", sa.Integer(), "Stores of the chain that have this promotion version.", null=False),
    column("effective_unit_price", sa.Numeric(18, 4),
           "ILS of a piece or kilogram under the offer, if its conditions are met.", null=False),
    column("price_basis", sa.Text(), "What effective_unit_price is for: piece or kilogram; null if absent."),
    column("regular_price", Money, "Median of the shelf prices of the chain's stores today, in ILS.",
           null=False),
    column("lowest_30_days", Money, "Lowest shelf price in any store of the chain at the end of the last 30"
           " days, today included, in ILS.", null=False),
    column("median_30_days", Money, "Median of the chain's daily median prices of these days.", null=False),
    column("lowest_90_days", Money, "Lowest shelf price in any store of the chain at the end of the last 90"
           " days, today included, in ILS.", null=False),
    column("median_90_days", Money, "Median of the chain's daily median prices of these days.", null=False),
    column("days_known", sa.Integer(), "Days of the last 90 of which a price is known.", null=False),
    column("percent_off_median_30", sa.Numeric(20, 1), "By how many percent effective_unit_price is below"
           " median_30_days; negative: above.", null=False),
    column("percent_off_median_90", sa.Numeric(20, 1), "By how many percent it is below median_90_days;"
           " negative: above.", null=False),
    sa.PrimaryKeyConstraint("product_key", "chain_id", "promotion_key", "offer_number"),
    sa.Index("chain_discount_best_idx", "chain_id", sa.text("percent_off_median_30 desc")),
    comment="Behind chain_discounts: the offers of each chain that hold on the day of the last statistics.",
)  # fmt: skip
