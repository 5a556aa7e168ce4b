"""What runs by the clock: the last sweep before midnight, the checks, and the nightly maintenance.

Times are Israel's. What each thing does is elsewhere; here is when, and what a run says about it.
"""

from dataclasses import asdict
from datetime import date
from pathlib import Path

import dagster as dg
import sqlalchemy as sa

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.defs.checks import DATA_QUALITY
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.jobs import IMPORT_JOB, IN_PROCESS
from gogobe_dagster.defs.partitions import partition_key
from gogobe_dagster.defs.pools import set_limits
from gogobe_dagster.feeds.registry import FEEDS, Feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.listing_status import last_listings

CHECK_JOB, MAINTENANCE_JOB = "check_data_quality", "maintenance"


@dg.op
def purge_dagster_storage(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Remove what Dagster kept of old runs and nobody reads; what was materialized stays so."""
    from gogobe_dagster.postgres.dagster_retention import purge
    from gogobe_dagster.postgres.server import dagster_url

    settings = resources.settings
    with as_failure("event log"):
        purged = purge(
            dagster_url(settings),
            Path(context.instance.root_directory),
            keep_days=settings.event_log_days,
            now=resources.clock(),
        )
    context.add_output_metadata(asdict(purged))


@dg.op
def create_table_partitions(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Have the tables' partitions of this month and the next before rows come."""
    from gogobe_dagster.warehouse.schema.monthly_partitions import ensure_partitions

    now = resources.clock()
    with as_failure("partitions"):
        ensure_partitions(resources.engine, [now])
    context.add_output_metadata({"up to the month after": f"{now:%Y-%m}"})


@dg.op
def set_pool_limits(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Let the pools have the limits of the settings, also where `gogobe up` is not used."""
    context.add_output_metadata(dict(set_limits(context.instance, resources.settings)))


@dg.op
def apply_retention(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Remove raw files, lake files, history, rejects and events that the settings keep no longer."""
    from gogobe_dagster.warehouse.maintenance.retention import Keep, retain

    settings = resources.settings
    with as_failure("retention"):
        kept = Keep.of(settings)
        done = retain(resources.engine, resources.raw_store, resources.lake, kept, now=resources.clock())
    context.add_output_metadata(
        {
            f"{kind}: {name}": number
            for kind, one in done.removed.items()
            for name, number in asdict(one).items()
        }
    )


@dg.op
def clean_up_lake(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Remove from the lake what killed writers left and what nothing names any more."""
    from gogobe_dagster.warehouse.maintenance.lake_cleanup import tidy_lake

    with as_failure("lake"):
        done = tidy_lake(resources.engine, resources.lake, now=resources.clock())
    counts = {"drafts": len(done.drafts), "orphans": len(done.orphans), "bytes": done.bytes}
    context.add_output_metadata(counts)


@dg.op
def rebuild_indexes(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Build indexes anew that consist mostly of holes, of the warehouse and of Dagster's own database."""
    from gogobe_dagster.postgres.index_maintenance import rebuild_sparse_indexes
    from gogobe_dagster.postgres.server import dagster_url

    with as_failure("indexes"):
        ours = rebuild_sparse_indexes(resources.engine)
        engine = sa.create_engine(dagster_url(resources.settings), poolclass=sa.NullPool)
        dagsters = rebuild_sparse_indexes(engine)
    context.add_output_metadata({"bytes given back": sum((ours | dagsters).values()), **ours, **dagsters})


MAINTENANCE_OPS = (
    purge_dagster_storage,
    create_table_partitions,
    set_pool_limits,
    apply_retention,
    clean_up_lake,
    rebuild_indexes,
)
"""Every op that the night runs, each by itself: add one, and it is run."""


@dg.definitions
def maintenance_jobs() -> dg.Definitions:
    """Define the jobs that schedules start. Their steps are short and share a process."""

    @dg.job(
        name=MAINTENANCE_JOB,
        executor_def=dg.in_process_executor,
        description="Removes what the settings keep no longer, and readies tables and pools for the day.",
    )
    def maintenance() -> None:
        for op in MAINTENANCE_OPS:
            op()

    checks = dg.define_asset_job(
        CHECK_JOB,
        selection=dg.AssetSelection.checks(*[spec.key for spec in DATA_QUALITY]),
        executor_def=dg.in_process_executor,
        description="Compares what was imported with what is usual.",
    )
    return dg.Definitions(jobs=[maintenance, checks])


@dg.definitions
def schedules() -> dg.Definitions:
    """Define the schedules; GOGOBE_SENSORS_ON switches them on, as it does sensors."""
    settings = Settings.read()
    on = dg.DefaultScheduleStatus.RUNNING if settings.sensors_on else dg.DefaultScheduleStatus.STOPPED

    @dg.schedule(
        name="last_sweep",
        cron_schedule=settings.last_sweep,
        execution_timezone=ISRAEL.key,
        job_name=IMPORT_JOB,
        default_status=on,
        description="Imports today from portals that will have forgotten it tomorrow, or had nothing today.",
    )
    def last_sweep(
        context: dg.ScheduleEvaluationContext, resources: dg.ResourceParam[Resources]
    ) -> list[dg.RunRequest] | dg.SkipReason:
        day = day_of(context.scheduled_execution_time)
        with as_failure("last sweep"):
            feeds = to_sweep(resources, day)
        return [
            dg.RunRequest(
                run_key=f"{feed.key}|{day}|last sweep",
                partition_key=partition_key(feed, day),
                tags={"gogobe/reason": "last sweep of the day"},
                run_config=IN_PROCESS,
            )
            for feed in feeds
        ] or dg.SkipReason("every portal that was ever looked at remembers the day")

    recurring = (
        (
            f"{CHECK_JOB}_hourly",
            CHECK_JOB,
            "10 * * * *",
            "Ten past every hour: is what was imported fresh, complete and plausible?",
        ),
        (
            f"{MAINTENANCE_JOB}_nightly",
            MAINTENANCE_JOB,
            "0 4 * * *",
            "At four, before the day's full files: removes what is kept no longer.",
        ),
    )
    others = [
        dg.ScheduleDefinition(
            name=name,
            job_name=job,
            cron_schedule=cron,
            execution_timezone=ISRAEL.key,
            default_status=on,
            description=description,
        )
        for name, job, cron, description in recurring
    ]
    return dg.Definitions(schedules=[last_sweep, *others])


def to_sweep(resources: Resources, day: date) -> list[Feed]:
    """Return the feeds that were ever looked at and whose portals forget the day, or showed nothing of it.

    The run of a day without files says that nothing was published; else the grid would have a hole.
    """
    from gogobe_dagster.portals.factory import connector_of

    used = last_listings(resources.engine)
    return [
        feed
        for feed in FEEDS
        if feed.key in used
        and (not connector_of(feed).offers_past_days or not resources.ledger.of_days(feed.key, [day]))
    ]
