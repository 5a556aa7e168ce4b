"""What the reader may see: views for people, the tables that functions for people read, and localities."""

import sqlalchemy as sa

from gogobe_dagster.postgres.roles import READER
from gogobe_dagster.warehouse.schema.tables import locality
from gogobe_dagster.warehouse.schema.views import VIEWS

_MISSING = sa.text("""
select relation from pg_roles, unnest(cast(:relations as text[])) as relation
where rolname = :role and not has_table_privilege(oid, relation, 'select')
""")
READ_BY_FUNCTIONS = ("chain", "chain_product", "price_current", "product", "product_name", "store")


def grant_reading(connection: sa.Connection) -> None:
    """Let the reader select, if the server has that role, also if it was made only now. Idempotent."""
    relations = [*(view.name for view in VIEWS), *READ_BY_FUNCTIONS, locality.name]
    missing = connection.scalars(_MISSING, {"role": READER, "relations": relations}).all()
    if missing:
        connection.execute(sa.text(f"grant select on {', '.join(missing)} to {READER}"))
