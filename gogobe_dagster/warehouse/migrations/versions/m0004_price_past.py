"""Prices that hold are in one table, those that have ended in another; the history is a view of both."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

VIEWS = "0004_views.sql"


def upgrade() -> None:
    """Carry the rows over exactly; months of the new table are those in which periods ended."""
    _run(_text("0004_price_past.sql"))
    _run(_text(VIEWS))


def downgrade() -> None:
    """Carry them back."""
    _run(_text("0004_down.sql"))
    _run(_text(VIEWS).replace("from price_past before", "from price_history before"))


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _run(script: str) -> None:
    """Run a script as it is written: its % are no parameters."""
    op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})
