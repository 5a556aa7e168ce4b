"""What Dagster loads. `build_definitions` assembles everything; anything can be replaced in a test."""

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_shared.utils.warnings import BetaWarning

# `pool` and `backfill_policy` are beta in 1.13 and say so once per asset at every load
warnings.filterwarnings("ignore", category=BetaWarning)

from gogobe_dagster.defs.assets import build_assets  # noqa: E402 - after the filter
from gogobe_dagster.defs.jobs import executor, import_job  # noqa: E402
from gogobe_dagster.defs.parsed import build_parsed  # noqa: E402
from gogobe_dagster.defs.partitions import feed_days  # noqa: E402
from gogobe_dagster.defs.resources import EquipmentResource  # noqa: E402
from gogobe_dagster.defs.sensors import build_sensors  # noqa: E402
from gogobe_dagster.settings import Settings  # noqa: E402


def build_definitions(resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Assemble assets, job, sensors and resources from the settings in the environment."""
    settings = Settings.read()
    partitions = feed_days(settings)
    steps = executor(settings)
    return dg.Definitions(
        assets=[*build_assets(partitions), build_parsed(partitions)],
        jobs=[import_job(partitions, steps)],
        sensors=build_sensors(settings),
        resources={"equipment": EquipmentResource(), **(resources or {})},
        executor=steps,
    )


defs = build_definitions()
