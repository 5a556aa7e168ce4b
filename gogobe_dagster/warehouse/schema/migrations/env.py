"""How Alembic reaches the database: over the connection that its caller holds, never one of its own."""

from alembic import context

from gogobe_dagster.warehouse.schema.migrate import COMPARISON, versioned

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=versioned(attributes["metadata"]),
    **COMPARISON,
)
context.run_migrations()
