"""The import job, and how the steps of all jobs are executed."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import dagster as dg
from dagster._core.definitions.executor_definition import multiple_process_executor_requirements
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode

from gogobe_dagster.settings import Settings

IMPORT_JOB = "import_feed"
PRELOADED = ["gogobe_dagster.definitions", "gogobe_dagster.dagster_runtime.preload"]
IN_PROCESS: dict[str, Any] = {"execution": {"config": {"in_process": {}}}}
"""The run configuration that executes all steps in the process of the run."""
AFTER_OUTPUTS = {"step_dependency_config": {"require_upstream_step_success": False}}
"""A step starts when its inputs are there, even if the step that made them then failed: what came through is
loaded although too many files did not (`step_outcomes`)."""
EITHER = dg.multi_or_in_process_executor
EXECUTOR_CONFIG = dg.Field(
    dg.Selector({"multiprocess": {}, "in_process": {}}),  # type: ignore[no-untyped-call]
    default_value={"multiprocess": {}},
    description="in_process: all steps in the run's own process, one at a time; cheaper for few files.",
)


class OutputsSuffice(dg.Executor):
    """Starts steps as `AFTER_OUTPUTS` says, except in a run that goes on with the rest of another.

    There Dagster would wait for ever, at full speed, for the outputs of mapped steps that had not started
    (#20925). With its usual rule they are left out, which `parsed` finds out.
    """

    def __init__(self, usual: dg.Executor, after_outputs: dg.Executor) -> None:
        self._usual = usual
        self._after_outputs = after_outputs

    @property
    def retries(self) -> RetryMode:
        """The same for both."""
        return self._usual.retries

    def execute(self, plan_context: Any, execution_plan: ExecutionPlan) -> Iterator[dg.DagsterEvent]:
        """Execute the plan of a run."""
        is_rest = execution_plan.known_state.parent_state is not None
        return (self._usual if is_rest else self._after_outputs).execute(plan_context, execution_plan)


def _create(context: dg.InitExecutorContext) -> OutputsSuffice:
    create = cast("Callable[[dg.InitExecutorContext], dg.Executor]", EITHER.executor_creation_fn)
    chosen = cast("Mapping[str, Mapping[str, Any]]", context.executor_config)
    config = {kind: {**values, **AFTER_OUTPUTS} for kind, values in chosen.items()}
    return OutputsSuffice(create(context), create(context._replace(executor_config=config)))


def executor(settings: Settings) -> dg.ExecutorDefinition:
    """Make the executor: each step is forked from a server that has imported everything.

    A step then costs 0.3 CPU s instead of 9. Starting that server costs a run some seconds, which a run with
    little work saves with the configuration `IN_PROCESS`.
    """
    multiprocess = {
        "max_concurrent": settings.parse_workers,
        "start_method": {"forkserver": {"preload_modules": PRELOADED}},
    }

    def configure(config: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"in_process": {}} if "in_process" in config else {"multiprocess": multiprocess}

    return dg.ExecutorDefinition(
        EITHER.name,
        config_schema=cast("Any", EITHER.config_schema),
        requirements=multiple_process_executor_requirements(),
        executor_creation_fn=_create,
    ).configured(configure, config_schema=EXECUTOR_CONFIG)


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
