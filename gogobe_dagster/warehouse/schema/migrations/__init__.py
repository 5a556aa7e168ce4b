"""Alembic's scripts, shipped in the wheel. `schema.migrate` runs them; nothing imports them.

env        gives Alembic the connection of the caller
versions   one module per revision
"""
