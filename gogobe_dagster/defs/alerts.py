"""Sensors that send alerts: for portals that fail repeatedly, failed checks, failed and recovered runs.

Each problem is alerted once when it begins and once when it ends. The sensor `alert_monitor` keeps its state
in its cursor; the run sensors ask Dagster for the previous run. The texts and the sending are in
`monitoring.alerts`.
"""

from collections.abc import Mapping

import dagster as dg

from gogobe_dagster.defs.checks import DATA_QUALITY, FEED_HEALTH, health
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.partitions import FEED
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.monitoring.alerts import Alert, Watched, count_failures, news, send
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.listing_status import LastListing, last_listings

LONGEST_PAUSE = 60
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


@dg.definitions
def alert_sensors() -> dg.Definitions:
    """Define the alert monitor, always on, and two sensors for runs, on if GOGOBE_ALERT_URL is set."""
    settings = Settings.read()
    seconds = min(settings.sensor_seconds, LONGEST_PAUSE)
    on = dg.DefaultSensorStatus.RUNNING if settings.alert_url else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name="alert_monitor",
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Counts failed looks at portals, turns health checks red and green, and sends alerts.",
    )
    def alert_monitor(
        context: dg.SensorEvaluationContext, resources: dg.ResourceParam[Resources]
    ) -> dg.SensorResult:
        with as_failure("alert_monitor"):
            return look_around(context, resources)

    @dg.run_failure_sensor(
        name="failed_runs",
        minimum_interval_seconds=seconds,
        default_status=on,
        description="Tells of a failed run, once for a feed until one succeeds.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        alert = about_failure(context.instance, context.dagster_run, context.failure_event.message or "")
        return _sent(alert, settings)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="recovered_runs",
        minimum_interval_seconds=seconds,
        default_status=on,
        description="Tells of the first run that succeeds after failed ones.",
    )
    def recovered_runs(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        return _sent(about_success(context.instance, context.dagster_run), settings)

    return dg.Definitions(sensors=[alert_monitor, failed_runs, recovered_runs])


def look_around(context: dg.SensorEvaluationContext, resources: Resources) -> dg.SensorResult:
    """Compare what is wrong with what people were told; an alert that is not taken is tried again."""
    before, listings = Watched.read(context.cursor), last_listings(resources.engine)
    failures, failed_at = count_failures(before, listings)
    dead = {feed for feed, number in failures.items() if number >= resources.settings.alert_after}
    names = {feed.key: feed.name for feed in FEEDS}
    problems = {
        _portal(key): f"{names.get(key, key)}: {listings[key].code}: {listings[key].reason}" for key in dead
    }
    problems |= _red_checks(context.instance, before.problems)
    alerts = news(before.problems, problems)
    for alert in alerts:
        send(alert, resources.settings.alert_url)
    after = Watched(failures=failures, failed_at=failed_at, problems=problems)
    said = "\n".join(alert.body for alert in alerts) or f"{len(problems)} problems, none new"
    events = _changed_health(before, listings, failures, dead)
    return dg.SensorResult(skip_reason=said, asset_events=events, cursor=after.text)


def _changed_health(
    before: Watched, listings: Mapping[str, LastListing], failures: Mapping[str, int], dead: set[str]
) -> list[dg.AssetCheckEvaluation]:
    """Evaluate the health check of each feed that died or came back; the others stay as they are."""
    changed = [feed for feed in FEEDS if (_portal(feed.key) in before.problems) != (feed.key in dead)]
    found = [
        health(feed, listings.get(feed.key), failures=failures.get(feed.key, 0), passed=feed.key not in dead)
        for feed in changed
    ]
    return [
        dg.AssetCheckEvaluation(
            asset_key=FEED_HEALTH.key,
            check_name=one.check_name or "",
            passed=one.passed,
            metadata=one.metadata,
            severity=one.severity,
            description=one.description,
        )
        for one in found
    ]


def _red_checks(instance: dg.DagsterInstance, before: Mapping[str, str]) -> dict[str, str]:
    """Return the checks of plausibility that failed last; one that is being made stays as it was."""
    found = dict[str, str]()
    keys = [spec.key for spec in DATA_QUALITY]
    for key, record in instance.event_log_storage.get_latest_asset_check_execution_by_key(keys).items():
        name = f"check {key.to_user_string()}"
        if record.status.value == "PLANNED" and name in before:
            found[name] = before[name]
        elif record.status.value == "FAILED" and record.event and record.event.dagster_event:
            evaluation = record.event.dagster_event.asset_check_evaluation_data
            found[name] = f"{key.name}: {evaluation.description}"
    return found


def about_failure(instance: dg.DagsterInstance, run: dg.DagsterRun, why: str) -> Alert | None:
    """Tell of a failed run unless the one before it failed too: then people know."""
    if _failed_before(instance, run):
        return None
    return Alert(title=f"gogobe: {_subject(run)} failed", body=f"run {run.run_id}: {why}"[:1000])


def about_success(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Alert | None:
    """Tell of a run that succeeded after a failed one."""
    if not _failed_before(instance, run):
        return None
    return Alert(title=f"gogobe: {_subject(run)} works again", body=f"run {run.run_id}", is_good=True)


def _failed_before(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the run before this one, of the same feed and job, failed."""
    tag = f"dagster/partition/{FEED}"
    tags = {tag: run.tags[tag]} if tag in run.tags else {}
    same = dg.RunsFilter(job_name=run.job_name, tags=tags, statuses=ENDED)
    before = instance.get_runs(same, cursor=run.run_id, limit=1)
    return bool(before) and before[0].status is dg.DagsterRunStatus.FAILURE


def _subject(run: dg.DagsterRun) -> str:
    return run.tags.get("dagster/partition", run.job_name)


def _sent(alert: Alert | None, settings: Settings) -> dg.SkipReason | None:
    if alert is None:
        return dg.SkipReason("nothing that people do not know")
    with as_failure("alert"):
        send(alert, settings.alert_url)
    return None


def _portal(feed_key: str) -> str:
    return f"portal {feed_key}"
