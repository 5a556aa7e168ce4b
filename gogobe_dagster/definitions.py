"""What Dagster loads. `build_definitions` assembles everything; anything can be replaced in a test."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from gogobe_dagster.defs.alerts import build_alert_sensors
from gogobe_dagster.defs.asset_metadata import described
from gogobe_dagster.defs.assets import build_assets
from gogobe_dagster.defs.checks import FEED_HEALTH, build_checks
from gogobe_dagster.defs.jobs import executor, import_job
from gogobe_dagster.defs.maintenance import build_jobs, build_schedules
from gogobe_dagster.defs.parsed import build_parsed
from gogobe_dagster.defs.partitions import feed_days
from gogobe_dagster.defs.register_drift import build_register_drift
from gogobe_dagster.defs.resources import ImportResources
from gogobe_dagster.defs.sensors import build_sensors
from gogobe_dagster.settings import Settings


def build_definitions(resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Assemble everything from the settings in the environment."""
    settings = Settings.read()
    partitions = feed_days(settings)
    steps = executor(settings)
    own = dg.Definitions(
        assets=[*described([*build_assets(partitions), build_parsed(partitions)], settings), FEED_HEALTH],
        asset_checks=build_checks(),
        jobs=[import_job(steps), *build_jobs()],
        sensors=[*build_sensors(settings), *build_alert_sensors(settings)],
        schedules=build_schedules(settings),
        resources={"resources": ImportResources(), **(resources or {})},
        executor=steps,
    )
    return dg.Definitions.merge(own, build_register_drift(settings))


defs = build_definitions()
