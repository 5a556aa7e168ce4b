"""The dataset, if GOGOBE_DATASET_FOLDER is set. `dataset.publishing` makes it; here is when it runs."""

import dagster as dg

from gogobe_dagster.defs.automation import TIME_ZONE
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings

JOB = "publish_dataset"
NIGHTLY = "0 2 * * *"
"""After the last files of a day, before backup and maintenance."""


@dg.definitions
def datasets() -> dg.Definitions:
    """Define asset, job and schedule; nothing without a folder."""
    if not (folder := Settings.read().dataset_folder):
        return dg.Definitions()

    @dg.asset(
        deps=["stores", "prices", "promotions"],
        kinds={"parquet"},
        owners=["team:gogobe"],
        metadata={"dagster/uri": folder},
        description="Prices, promotions, stores and products as Parquet files for others.",
    )
    def dataset(
        context: dg.AssetExecutionContext, resources: dg.ResourceParam[Resources]
    ) -> dg.MaterializeResult[None]:
        from gogobe_dagster.dataset.publishing import publish_dataset

        with as_failure("publishing"):
            made = publish_dataset(resources.engine, folder, now=resources.clock(), tell=context.log.debug)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": made.rows,
                "files written": made.written,
                "files kept": made.kept,
                "files removed": made.removed,
                "bytes": made.bytes,
            }
        )

    job = dg.define_asset_job(
        JOB,
        selection=[dataset],
        executor_def=dg.in_process_executor,
        description="Brings the dataset in GOGOBE_DATASET_FOLDER up to date.",
    )
    nightly = dg.ScheduleDefinition(
        name=f"{JOB}_nightly",
        job=job,
        cron_schedule=NIGHTLY,
        execution_timezone=TIME_ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,  # setting the folder asks for it
        description="At 02:00: publishes what changed.",
    )
    return dg.Definitions(assets=[dataset], jobs=[job], schedules=[nightly])
