"""The one resource: the resources of an import, opened from the environment."""

from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings


class ImportResources(dg.ConfigurableResource[Resources]):
    """Opens ledger, stores and portals as the GOGOBE_ variables say; assets get the plain object."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Resources]:  # noqa: ARG002
        """Open for a step or a sensor tick, and give connections back afterwards."""
        resources = Resources(Settings.read())
        try:
            yield resources
        finally:
            resources.close()
