"""The import job, and how the steps of all jobs are executed."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from gogobe_dagster.settings import Settings

IMPORT_JOB = "import_feed"
PRELOADED = ["gogobe_dagster.definitions", "gogobe_dagster.dagster_runtime.preload"]
IN_PROCESS: dict[str, Any] = {"execution": {"config": {"in_process": {}}}}
"""The run configuration that executes all steps in the process of the run."""
AFTER_OUTPUTS = {"step_dependency_config": {"require_upstream_step_success": False}}
"""A step starts when its inputs are there, even if the step that made them then failed: what came through is
loaded although too many files did not (`step_outcomes`)."""
EXECUTOR_CONFIG = dg.Field(
    dg.Selector({"multiprocess": {}, "in_process": {}}),  # type: ignore[no-untyped-call]
    default_value={"multiprocess": {}},
    description="in_process: all steps in the run's own process, one at a time; cheaper for few files.",
)


def executor(settings: Settings) -> dg.ExecutorDefinition:
    """Make the executor: each step is forked from a server that has imported everything.

    A step then costs 0.3 CPU s instead of 9. Starting that server costs a run some seconds, which a run with
    little work saves with the configuration `IN_PROCESS`.
    """
    multiprocess = {
        "max_concurrent": settings.parse_workers,
        "start_method": {"forkserver": {"preload_modules": PRELOADED}},
        **AFTER_OUTPUTS,
    }

    def configure(config: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"in_process": AFTER_OUTPUTS} if "in_process" in config else {"multiprocess": multiprocess}

    return dg.multi_or_in_process_executor.configured(configure, config_schema=EXECUTOR_CONFIG)


@dg.definitions
def import_job() -> dg.Definitions:
    """Define the job that imports one feed and day, from the portal to the tables."""
    job = dg.define_asset_job(
        IMPORT_JOB,
        selection=dg.AssetSelection.groups("files", "warehouse"),
        executor_def=executor(Settings.read()),
        description="Discovers, downloads, parses and loads what a feed published on one day.",
        # Retry from failure drops mapped steps that had not started (dagster #20925): always all steps.
        tags={"dagster/retry_strategy": "ALL_STEPS"},
    )
    return dg.Definitions(jobs=[job])
