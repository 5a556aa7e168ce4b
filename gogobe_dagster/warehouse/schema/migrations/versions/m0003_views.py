"""Views for people with more to them, and search on product names."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from gogobe_dagster.errors import DatabaseUnavailable

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCRIPTS = ("0003_views.sql", "0003_fleet.sql", "0003_search.sql", "0003_horizon.sql")
FIRST_VIEWS = "0001_views.sql"
TRIGGERS = ("spell_new_names", "spell_changed_name")
FUNCTIONS = (*TRIGGERS, "search_products", "search_corrected", "search_pattern", "search_gtin", "search_text")
EXTENSION = "pg_trgm"
HEBREW_HAS_TRIGRAMS = "select cardinality(show_trgm('חלב')) > 0"


def upgrade() -> None:
    """Create what is new; views of the first revision keep their columns. Raises `DatabaseUnavailable`."""
    connection = op.get_bind()
    _need_trigrams(connection)
    for name in SCRIPTS:
        _run(connection, name)


def downgrade() -> None:
    """Bring the first revision's views back. The extension stays: others may use it."""
    for trigger in TRIGGERS:
        op.execute(f"drop trigger {trigger} on chain_product")
    for table in ("product_name", "horizon"):
        op.execute(f"drop table {table}")
    op.execute("drop index chain_product_code_idx")
    for function in FUNCTIONS:
        op.execute(f"drop function {function}")
    for view in (
        "store_coverage", "price_periods", "cheapest_prices", "fleet", "price_changes", "current_prices"
    ):  # fmt: skip
        op.execute(f"drop view {view}")
    _run(op.get_bind(), FIRST_VIEWS)


def _run(connection: sa.Connection, script: str) -> None:
    """Run a script as it is written: its % are no parameters."""
    text = Path(__file__).with_name(script).read_text(encoding="utf-8")
    connection.exec_driver_sql(text, execution_options={"no_parameters": True})


def _need_trigrams(connection: sa.Connection) -> None:
    """Have pg_trgm in the database, or say what its administrator has to do."""
    there = connection.scalar(
        sa.text("select 1 from pg_extension where extname = :name"), {"name": EXTENSION}
    )
    if not there:
        _create_extension(connection)
    if not connection.scalar(sa.text(HEBREW_HAS_TRIGRAMS)):
        raise DatabaseUnavailable(
            "the database's locale knows no Hebrew letters, so names cannot be searched: create it with "
            "locale C.UTF-8 or he_IL.UTF-8 (create database … template template0 locale 'C.UTF-8')"
        )


def _create_extension(connection: sa.Connection) -> None:
    is_available = "select 1 from pg_available_extensions where name = :name"
    if not connection.scalar(sa.text(is_available), {"name": EXTENSION}):
        raise DatabaseUnavailable(
            f"the PostgreSQL server has no {EXTENSION}, which search needs: install PostgreSQL's contrib "
            "package (postgresql-contrib) on it"
        )
    try:
        with connection.begin_nested():
            connection.execute(sa.text(f"create extension {EXTENSION}"))
    except sa.exc.ProgrammingError as error:
        raise DatabaseUnavailable(
            f"this role may not create the extension {EXTENSION}, which search needs: have the server's "
            f"administrator run `create extension {EXTENSION}` in this database ({error.orig})"
        ) from error
