"""Prices that hold are in one table, those that have ended in another; the history is a view of both."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

VIEWS = ("0004_periods.sql", "0004_changes_comments.sql")


def upgrade() -> None:
    """Carry the rows over exactly; months of the new table are those in which periods ended."""
    for script in ("0004_price_past.sql", "0004_changes.sql", *VIEWS):
        _run(script)


def downgrade() -> None:
    """Carry them back."""
    for script in ("0004_down.sql", *VIEWS):
        _run(script)


def _run(script: str) -> None:
    """Run a script as it is written: its % are no parameters."""
    text = Path(__file__).with_name(script).read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(text, execution_options={"no_parameters": True})
