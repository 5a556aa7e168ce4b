"""The tables of version 0.1.0."""

from pathlib import Path

from alembic import op

from gogobe_dagster.warehouse.schema.extensions import require_trigrams

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables. Raises `DatabaseUnavailable` where search cannot work."""
    connection = op.get_bind()
    require_trigrams(connection)  # before its operator class is used in an index
    connection.exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
