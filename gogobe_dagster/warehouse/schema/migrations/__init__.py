"""Alembic's scripts, shipped in the wheel. `warehouse.migrate` runs them; nobody imports them."""
