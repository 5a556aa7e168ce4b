"""The Dagster resource `resources`: database, raw store, lake and portals, opened from the settings."""

from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings


class ImportResources(dg.ConfigurableResource[Resources]):
    """Gives assets, ops and sensors a `Resources` object, opened from the GOGOBE_ variables."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Resources]:  # noqa: ARG002
        """Open for one step or one sensor tick, and close afterwards."""
        resources = Resources(Settings.read())
        try:
            yield resources
        finally:
            resources.close()
