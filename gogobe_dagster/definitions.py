"""What Dagster loads. `build_definitions` assembles everything; anything can be replaced in a test."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from gogobe_dagster.defs.assets import build_assets
from gogobe_dagster.defs.jobs import executor, import_job
from gogobe_dagster.defs.parsed import build_parsed
from gogobe_dagster.defs.partitions import feed_days
from gogobe_dagster.defs.register_drift import build_register_drift
from gogobe_dagster.defs.resources import EquipmentResource
from gogobe_dagster.defs.sensors import build_sensors
from gogobe_dagster.settings import Settings


def build_definitions(resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Assemble assets, job, sensors and resources from the settings in the environment."""
    settings = Settings.read()
    partitions = feed_days(settings)
    steps = executor(settings)
    own = dg.Definitions(
        assets=[*build_assets(partitions), build_parsed(partitions)],
        jobs=[import_job(steps)],
        sensors=build_sensors(settings),
        resources={"equipment": EquipmentResource(), **(resources or {})},
        executor=steps,
    )
    return dg.Definitions.merge(own, build_register_drift(settings))


defs = build_definitions()
