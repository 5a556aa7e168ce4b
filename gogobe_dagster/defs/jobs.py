"""The named jobs and how their steps are started."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from gogobe_dagster.settings import Settings

IMPORT_JOB = "import_feed"


def executor(settings: Settings) -> dg.ExecutorDefinition:
    """Steps as processes forked from a server that has imported everything: 0.3 CPU s each instead of 9."""
    preload = ["gogobe_dagster.preload", "gogobe_dagster.definitions"]
    return dg.multiprocess_executor.configured(
        {
            "max_concurrent": settings.parse_workers,
            "start_method": {"forkserver": {"preload_modules": preload}},
        }
    )


def import_job(executor_def: dg.ExecutorDefinition) -> UnresolvedAssetJobDefinition:
    """The whole way of one feed and day, from the portal to the tables."""
    return dg.define_asset_job(
        IMPORT_JOB,
        selection=dg.AssetSelection.groups("files", "warehouse"),
        executor_def=executor_def,
        description="Finds, fetches, reads and loads what a feed published on a day.",
        # Retry from failure drops mapped steps that had not started (dagster #20925): always all steps.
        tags={"dagster/retry_strategy": "ALL_STEPS"},
    )
