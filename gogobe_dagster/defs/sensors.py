"""One sensor per feed: new files on its portal become runs. The decision itself is in `deciding`."""

from datetime import date

import dagster as dg

from gogobe_dagster.defs.assets import LISTED_BY_SENSOR
from gogobe_dagster.defs.jobs import IMPORT_JOB
from gogobe_dagster.defs.partitions import DAY, FEED, partition_key
from gogobe_dagster.equipment import Equipment
from gogobe_dagster.errors import CodedError
from gogobe_dagster.feeds import FEEDS, Feed
from gogobe_dagster.settings import Settings

UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def build_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """Make a sensor for every feed, so that people switch feeds on and off in the web UI."""
    return [_sensor(feed, settings) for feed in FEEDS]


def _sensor(feed: Feed, settings: Settings) -> dg.SensorDefinition:
    on = dg.DefaultSensorStatus.RUNNING if settings.sensors_on else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name=f"{feed.key}_files",
        job_name=IMPORT_JOB,
        minimum_interval_seconds=settings.sensor_seconds,
        default_status=on,
        description=f"Looks at the portal of {feed.name} ({feed.hebrew}) and imports what is new.",
        tags={FEED: feed.key},
    )
    def look(
        context: dg.SensorEvaluationContext, equipment: dg.ResourceParam[Equipment]
    ) -> dg.SensorResult | dg.SkipReason:
        return look_at(feed, context, equipment)

    return look


def look_at(
    feed: Feed, context: dg.SensorEvaluationContext, equipment: Equipment
) -> dg.SensorResult | dg.SkipReason:
    """List the portal, then ask for the runs that what is pending needs.

    A listing that fails is a failed tick that names the code; the other feeds have sensors of their own.
    """
    from gogobe_dagster.clock import day_of
    from gogobe_dagster.deciding import runs_wanted
    from gogobe_dagster.importing import discover

    now = equipment.clock()
    try:
        seen = discover(feed, [day_of(now)], equipment)
    except CodedError as error:
        raise dg.Failure(f"{feed.key}: {error.code}: {error.reason}") from error
    wanted = runs_wanted(
        feed,
        equipment.ledger.pending(feed.key),
        first_day=equipment.settings.first_day,
        under_way=_days_under_way(context.instance, feed),
        now=now,
    )
    if not wanted:
        return dg.SkipReason(f"{seen.listed} files listed, {seen.new} new; nothing to start")
    requests = [
        dg.RunRequest(
            run_key=run.key,
            partition_key=partition_key(feed, run.day),
            tags={LISTED_BY_SENSOR: now.isoformat(), "gogobe/files": str(run.files)},
        )
        for run in wanted
    ]
    return dg.SensorResult(run_requests=requests)


def _days_under_way(instance: dg.DagsterInstance, feed: Feed) -> set[date]:
    runs = instance.get_runs(
        dg.RunsFilter(statuses=UNDER_WAY, tags={f"dagster/partition/{FEED}": feed.key}), limit=1000
    )
    return {date.fromisoformat(run.tags[f"dagster/partition/{DAY}"]) for run in runs}
