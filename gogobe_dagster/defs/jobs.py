"""The named jobs and how their steps are started."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from gogobe_dagster.settings import Settings

IMPORT_JOB = "import_feed"
PRELOADED = ["gogobe_dagster.dagster_runtime.preload", "gogobe_dagster.definitions"]


IN_PROCESS: dict[str, Any] = {"execution": {"config": {"in_process": {}}}}
"""The run configuration with which all steps run in the run's own process."""
CHOICE = dg.Field(
    dg.Selector({"multiprocess": {}, "in_process": {}}),  # type: ignore[no-untyped-call]
    default_value={"multiprocess": {}},
    description="in_process: all steps in the run's own process, one after another; cheap for few files.",
)


def executor(settings: Settings) -> dg.ExecutorDefinition:
    """Steps as processes forked from a server that has imported everything: 0.3 CPU s each instead of 9.

    That server costs a run some seconds whatever it does; a run with little to do can go without.
    """
    processes = {
        "max_concurrent": settings.parse_workers,
        "start_method": {"forkserver": {"preload_modules": PRELOADED}},
    }

    def choose(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"in_process": {}} if "in_process" in asked else {"multiprocess": processes}

    return dg.multi_or_in_process_executor.configured(choose, config_schema=CHOICE)


@dg.definitions
def import_job() -> dg.Definitions:
    """Define the job that imports one feed and day, from the portal to the tables."""
    job = dg.define_asset_job(
        IMPORT_JOB,
        selection=dg.AssetSelection.groups("files", "warehouse"),
        executor_def=executor(Settings.read()),
        description="Finds, fetches, reads and loads what a feed published on a day.",
        # Retry from failure drops mapped steps that had not started (dagster #20925): always all steps.
        tags={"dagster/retry_strategy": "ALL_STEPS"},
    )
    return dg.Definitions(jobs=[job])
