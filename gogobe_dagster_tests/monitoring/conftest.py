"""Checks run on a warehouse, so its fixtures are those of `warehouse`."""

from gogobe_dagster_tests.warehouse.conftest import _engine, engine, warehouse_url

__all__ = ["_engine", "engine", "warehouse_url"]
