"""The asset `daily_report`: one HTML file about each day, for people who look after prices.

`monitoring.daily_report` counts and writes. `gogobe up` serves the files beside the web UI.
"""

from datetime import date, timedelta

import dagster as dg

from gogobe_dagster.clock import day_of
from gogobe_dagster.defs.asset_metadata import OWNERS
from gogobe_dagster.defs.automation import TIME_ZONE, schedule_status
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.materialization_metadata import Materialized
from gogobe_dagster.defs.partitions import day_partitions
from gogobe_dagster.defs.plots import picture
from gogobe_dagster.monitoring.daily_report import collect_report, report_url, write_report
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings

ASSET, JOB = "daily_report", "report_day"
MORNING = "0 6 * * *"
DESCRIPTION = """
A page about one day that needs no knowledge of this program: which chains are complete, which prices changed
and by how much, the biggest rises and falls, promotions, and how far the data can be trusted.

One HTML file with its pictures inside, in `GOGOBE_HOME/reports`; `gogobe up` serves it, see the link of each
materialization. A repeated run writes it again, with what has arrived since.
"""


@dg.definitions
def daily_report_definitions() -> dg.Definitions:
    """Define the asset, its job and the schedule."""
    settings = Settings.read()
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(ASSET),
        executor_def=dg.in_process_executor,
        description="Writes the report of a day.",
    )
    return dg.Definitions(assets=[_daily_report(settings)], jobs=[job], schedules=[_every_morning(settings)])


def _every_morning(settings: Settings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{JOB}_daily",
        cron_schedule=MORNING,
        execution_timezone=TIME_ZONE,
        job_name=JOB,
        default_status=schedule_status(settings),
        description="At 06:00: the report of the day before.",
    )
    def every_morning(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        today = day_of(context.scheduled_execution_time)
        day, first_day = today - timedelta(days=1), settings.first_day_on(today)
        if day < first_day:
            return dg.SkipReason(f"{day} is before the first day, {first_day}")
        return dg.RunRequest(partition_key=day.isoformat())

    return every_morning


def _daily_report(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name=ASSET,
        partitions_def=day_partitions(settings),
        deps=["stores", "prices", "promotions"],
        group_name="monitoring",
        owners=OWNERS,
        kinds={"postgres", "html"},
        description=DESCRIPTION.strip(),
        metadata={"dagster/uri": str(settings.reports_folder)},
    )
    def daily_report(
        context: dg.AssetExecutionContext, resources: dg.ResourceParam[Resources]
    ) -> Materialized:
        day = date.fromisoformat(context.partition_key)
        with as_failure(ASSET):
            report = collect_report(resources.engine, resources.settings, day, resources.clock())
        path = write_report(report, resources.settings)
        pictures = {
            f"picture of {name}": dg.MetadataValue.md(picture(svg, name))
            for name, svg in report.pictures.items()
        }
        return Materialized(
            metadata={
                "page": dg.MetadataValue.md(
                    f"[open the report of {day}]({report_url(day)}) (by `gogobe up`)"
                ),
                "file": dg.MetadataValue.path(path),
                "feeds": len(report.fleet.feeds),
                "feeds with prices": len(report.published),
                "prices": report.fleet.total("prices"),
                "products dearer": sum(row["rises"] for row in report.changes),
                "products cheaper": sum(row["falls"] for row in report.changes),
                "bytes": path.stat().st_size,
                **pictures,
            }
        )

    return daily_report
