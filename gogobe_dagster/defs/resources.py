"""The Dagster resource `resources`: database, raw store, lake and portals, opened from the settings."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import dagster as dg
from pydantic import Field

from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import PREFIX, Settings


def _setting(name: str) -> Any:
    """Describe a field as the setting of the same name, which it replaces if it is not empty."""
    return Field(default="", description=Settings.model_fields[name].description)


class ImportResources(dg.ConfigurableResource[Resources]):
    """Gives assets, ops and sensors a `Resources` object, opened from the GOGOBE_ variables."""

    home: str = _setting("home")
    database_url: str = _setting("database_url")
    raw_store: str = _setting("raw_store")
    lake: str = _setting("lake")
    replica_url: str = _setting("replica_url")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator[Resources]:  # noqa: ARG002
        """Open for one step or one sensor tick, and close afterwards. Raises `SettingsError`."""
        given = {name: value for name in type(self).model_fields if (value := getattr(self, name))}
        resources = Resources(Settings.read(**given))
        try:
            yield resources
        finally:
            resources.close()


def import_resources(settings: Settings) -> ImportResources:
    """Return the resource, which names the variables that are set and shows none of their values."""
    names = settings.model_fields_set & ImportResources.model_fields.keys()
    return ImportResources(**{name: dg.EnvVar(PREFIX + name.upper()) for name in sorted(names)})
