"""Schedules, and the jobs that they start: the final poll of the day, the checks, and maintenance.

All times are Israel's. What the maintenance ops do is implemented elsewhere; here is when they run and what
their runs report.
"""

from dataclasses import asdict
from datetime import date
from pathlib import Path

import dagster as dg
import sqlalchemy as sa

from gogobe_dagster.clock import day_of
from gogobe_dagster.defs.automation import TIME_ZONE, schedule_of_job, schedule_status
from gogobe_dagster.defs.checks import DATA_QUALITY
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.jobs import IMPORT_JOB, IN_PROCESS
from gogobe_dagster.defs.partitions import partition_key
from gogobe_dagster.defs.pools import write_pool_limits
from gogobe_dagster.feeds.registry import FEEDS, Feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.listing_status import last_listings

CHECK_JOB, MAINTENANCE_JOB = "check_data_quality", "maintenance"
HOURLY, NIGHTLY = "10 * * * *", "0 4 * * *"
"""Ten past each hour; at 04:00, before the day's full files are published."""


@dg.op
def purge_dagster_storage(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Delete step events and step files of old runs; materializations and check results stay."""
    from gogobe_dagster.postgres.dagster_retention import purge
    from gogobe_dagster.postgres.server import dagster_url

    settings = resources.settings
    with as_failure("event log"):
        purged = purge(
            dagster_url(settings),
            Path(context.instance.root_directory),
            keep_days=settings.keep_run_logs_days,
            now=resources.clock(),
        )
    context.add_output_metadata(asdict(purged))


@dg.op
def create_table_partitions(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Create the database tables' partitions of this month and the next."""
    from gogobe_dagster.warehouse.schema.monthly_partitions import ensure_partitions

    now = resources.clock()
    with as_failure("partitions"):
        ensure_partitions(resources.engine, [now])
    context.add_output_metadata({"partitions exist until the month after": f"{now:%Y-%m}"})


@dg.op
def set_pool_limits(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Write the limits of the concurrency pools from the settings, for servers without `gogobe up`."""
    context.add_output_metadata(dict(write_pool_limits(context.instance, resources.settings)))


@dg.op
def apply_retention(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Delete raw files, lake files, history, rejects, file events and details past their retention."""
    from gogobe_dagster.warehouse.maintenance.retention import Keep, retain

    keep = Keep.of(resources.settings)
    with as_failure("retention"):
        done = retain(resources.engine, resources.raw_store, resources.lake, keep, now=resources.clock())
    context.add_output_metadata(
        {
            f"{kind}: {name}": number
            for kind, removed in done.removed.items()
            for name, number in asdict(removed).items()
        }
    )


@dg.op
def update_statistics(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Find daily statistics and the price index of the days that files were loaded for, until today."""
    from gogobe_dagster.warehouse.statistics import update

    with as_failure("statistics"):
        done = update.update_statistics(resources.engine, now=resources.clock())
    context.add_output_metadata(asdict(done))


@dg.op
def delete_old_reports(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Delete daily reports that are older than GOGOBE_KEEP_REPORTS_DAYS."""
    from gogobe_dagster.monitoring.daily_report import remove_old_reports

    removed = remove_old_reports(resources.settings, today=day_of(resources.clock()))
    context.add_output_metadata({"reports": len(removed)})


@dg.op
def clean_up_lake(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Delete unfinished files of killed writers from the lake, and files that no row refers to."""
    from gogobe_dagster.warehouse.maintenance.lake_cleanup import tidy_lake

    with as_failure("lake"):
        done = tidy_lake(resources.engine, resources.lake, now=resources.clock())
    counts = {"drafts": len(done.drafts), "orphans": len(done.orphans), "bytes": done.bytes}
    context.add_output_metadata(counts)


@dg.op
def rebuild_indexes(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Rebuild bloated indexes of the warehouse and of Dagster's database, without blocking anybody."""
    from gogobe_dagster.postgres.index_maintenance import rebuild_bloated_indexes
    from gogobe_dagster.postgres.server import dagster_url

    with as_failure("indexes"):
        freed = rebuild_bloated_indexes(resources.engine)
        dagster_engine = sa.create_engine(dagster_url(resources.settings), poolclass=sa.NullPool)
        freed |= rebuild_bloated_indexes(dagster_engine)
    context.add_output_metadata({"bytes freed": sum(freed.values()), **freed})


MAINTENANCE_OPS = (
    purge_dagster_storage,
    create_table_partitions,
    set_pool_limits,
    update_statistics,
    apply_retention,
    delete_old_reports,
    clean_up_lake,
    rebuild_indexes,
)
"""The ops of the maintenance job, independent of each other."""


@dg.definitions
def maintenance_jobs() -> dg.Definitions:
    """Define the jobs that schedules start. Their steps are short and run in one process."""

    @dg.job(
        name=MAINTENANCE_JOB,
        executor_def=dg.in_process_executor,
        description="Deletes what is past its retention; prepares tables and pools for the next day.",
    )
    def maintenance() -> None:
        for op in MAINTENANCE_OPS:
            op()

    checks = dg.define_asset_job(
        CHECK_JOB,
        selection=dg.AssetSelection.checks(*[spec.key for spec in DATA_QUALITY]),
        executor_def=dg.in_process_executor,
        description="Runs the data quality checks of all feeds.",
    )
    return dg.Definitions(jobs=[maintenance, checks])


@dg.definitions
def schedules() -> dg.Definitions:
    """Define the schedules."""
    settings = Settings.read()
    hourly_checks = schedule_of_job(
        f"{CHECK_JOB}_hourly",
        CHECK_JOB,
        cron=HOURLY,
        settings=settings,
        description="Ten past every hour: is the imported data fresh, complete and plausible?",
    )
    nightly_maintenance = schedule_of_job(
        f"{MAINTENANCE_JOB}_nightly",
        MAINTENANCE_JOB,
        cron=NIGHTLY,
        settings=settings,
        description="At 04:00, before the day's full files: deletes what is past its retention.",
    )
    return dg.Definitions(schedules=[_final_poll(settings), hourly_checks, nightly_maintenance])


def _final_poll(settings: Settings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="final_poll",
        cron_schedule=settings.final_poll_cron,
        execution_timezone=TIME_ZONE,
        job_name=IMPORT_JOB,
        default_status=schedule_status(settings),
        description="Imports today from portals that will not list it tomorrow, or had no files so far.",
    )
    def final_poll(
        context: dg.ScheduleEvaluationContext, resources: dg.ResourceParam[Resources]
    ) -> list[dg.RunRequest] | dg.SkipReason:
        day = day_of(context.scheduled_execution_time)
        with as_failure("final poll"):
            feeds = feeds_to_poll_again(resources, day)
        return [
            dg.RunRequest(
                run_key=f"{feed.key}|{day}|final poll",
                partition_key=partition_key(feed, day),
                tags={"gogobe/reason": "final poll of the day"},
                run_config=IN_PROCESS,
            )
            for feed in feeds
        ] or dg.SkipReason("every portal in use has files of today and will still list them tomorrow")

    return final_poll


def feeds_to_poll_again(resources: Resources, day: date) -> list[Feed]:
    """Return the feeds in use whose portals will not list the day later, or that have no files of it yet.

    A run without files records that nothing was published; without it the day would look missing.
    """
    from gogobe_dagster.portals.factory import connector_class

    in_use = last_listings(resources.engine)
    return [
        feed
        for feed in FEEDS
        if feed.key in in_use
        and (not connector_class(feed).offers_past_days or not resources.ledger.of_days(feed.key, [day]))
    ]
