"""How Alembic reaches the database: over the connection that `warehouse.migrate` holds, never its own."""

from alembic import context

from gogobe_dagster.warehouse.schema.migrate import COMPARISON

context.configure(connection=context.config.attributes["connection"], **COMPARISON)
context.run_migrations()
