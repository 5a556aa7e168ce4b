"""Ledger, catalogue, prices and the views for people."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

VIEWS = ("fleet", "price_changes", "current_prices")
TABLES = (
    "price_history", "price_current", "chain_product", "product", "store", "sub_chain", "chain", "listing",
    "reject", "file_event", "file",
)  # fmt: skip


def upgrade() -> None:
    """Create everything."""
    for name in ("0001_tables.sql", "0001_views.sql"):
        op.get_bind().exec_driver_sql(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    op.execute("comment on table alembic_version is 'Which revision of the schema this is.'")
    op.execute("comment on column alembic_version.version_num is 'Revision, as in warehouse/migrations.'")


def downgrade() -> None:
    """Drop everything, the rows included."""
    for view in VIEWS:
        op.execute(f"drop view {view}")
    for table in TABLES:
        op.execute(f"drop table {table}")
