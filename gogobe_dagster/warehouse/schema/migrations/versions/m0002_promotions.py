"""Promotions: their tables, what stores remember of them, and the view of those in force."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("promotion_store", "promotion_item", "promotion_offer", "promotion")


def upgrade() -> None:
    """Create everything."""
    for name in ("0002_promotions.sql", "0002_promotions_now.sql"):
        op.get_bind().exec_driver_sql(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop everything, the rows included."""
    op.execute("drop view promotions_now")
    op.execute("drop function offered_price")
    for table in TABLES:
        op.execute(f"drop table {table}")
    op.execute("alter table store drop column last_promotion_at, drop column last_full_promotion_at")
