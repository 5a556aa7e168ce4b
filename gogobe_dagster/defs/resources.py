"""The one resource: the equipment of an import, opened from the environment."""

from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from gogobe_dagster.equipment import Equipment
from gogobe_dagster.settings import Settings


class EquipmentResource(dg.ConfigurableResource[Equipment]):
    """Opens ledger, stores and portals as the GOGOBE_ variables say; assets get the plain object."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Equipment]:  # noqa: ARG002
        """Open for a step or a sensor tick, and give connections back afterwards."""
        equipment = Equipment(Settings.read())
        try:
            yield equipment
        finally:
            equipment.close()
