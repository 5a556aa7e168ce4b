"""What the reader may see: views for people, the tables that `search_products` reads, and localities."""

import sqlalchemy as sa

from gogobe_dagster.postgres.roles import READER
from gogobe_dagster.warehouse.schema.tables import locality
from gogobe_dagster.warehouse.schema.views import VIEWS

SEARCHED = ("chain", "chain_product", "product", "product_name")


def grant_reading(connection: sa.Connection) -> None:
    """Let the reader select, if the server has that role. Idempotent."""
    if connection.scalar(sa.text("select 1 from pg_roles where rolname = :name"), {"name": READER}):
        relations = ", ".join([*(view.name for view in VIEWS), *SEARCHED, locality.name])
        connection.execute(sa.text(f"grant select on {relations} to {READER}"))
