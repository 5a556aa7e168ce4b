"""What the loader and the reader may do.

The loader changes rows of every table and makes months of price_past by a function of the owner's. The reader
sees views for people, the tables that functions for people read, and localities.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from gogobe_dagster.postgres.roles import LOADER, READER
from gogobe_dagster.warehouse.schema.columns import metadata
from gogobe_dagster.warehouse.schema.tables import locality
from gogobe_dagster.warehouse.schema.views import VIEWS

_MISSING = sa.text("""
select relation from pg_roles, unnest(cast(:relations as text[])) as relation
where rolname = :role and not has_table_privilege(oid, relation, :privilege)
""")
_MAY_NOT_ADD_MONTHS = sa.text("""
select from pg_roles where rolname = :role and not has_function_privilege(oid, :function, 'execute')
""")
READ_BY_FUNCTIONS = (
    "chain",
    "chain_product",
    "price_current",
    "price_past",
    "product",
    "product_name",
    "promotion_item",
    "promotion_offer",
    "promotion_store",
    "store",
)
VERSION = "alembic_version"
ADD_MONTH = "add_price_past_month(date)"


def grant_rights(connection: sa.Connection) -> None:
    """Grant what is missing to those roles that the server has, also if one was made only now. Idempotent."""
    views = [view.name for view in VIEWS]
    tables = [table.name for table in metadata.sorted_tables]
    _grant(connection, READER, [*views, *READ_BY_FUNCTIONS, locality.name], "select")
    _grant(connection, LOADER, [*views, VERSION], "select")
    for privilege in ("select", "insert", "update", "delete"):
        _grant(connection, LOADER, tables, privilege)
    if connection.execute(_MAY_NOT_ADD_MONTHS, {"role": LOADER, "function": ADD_MONTH}).first() is not None:
        connection.execute(sa.text(f"grant execute on function {ADD_MONTH} to {LOADER}"))


def _grant(connection: sa.Connection, role: str, relations: Sequence[str], privilege: str) -> None:
    query = {"role": role, "relations": relations, "privilege": privilege}
    if missing := connection.scalars(_MISSING, query).all():
        connection.execute(sa.text(f"grant {privilege} on {', '.join(missing)} to {role}"))
