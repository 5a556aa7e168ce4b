"""Sensors that send alerts: for portals that fail repeatedly, failed checks, failed and recovered runs.

Each problem is alerted once when it begins and once when it ends. The sensor `alert_monitor` keeps its state
in its cursor; the run sensors ask Dagster for the previous run. The texts and the sending are in
`monitoring.alerts`.
"""

from collections.abc import Mapping

import dagster as dg

from gogobe_dagster.defs.automation import is_preview, sensor_status
from gogobe_dagster.defs.checks import DATA_QUALITY, FEED_HEALTH, FINDINGS, portal_check_result
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.partitions import FEED_TAG
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.monitoring.alerts import Alert, AlertState, alert_changes, count_failures, send
from gogobe_dagster.monitoring.watches import alert_watched
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.listing_status import LastListing, last_listings

MAX_INTERVAL_SECONDS = 60
MAX_BODY_CHARACTERS = 1000
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


@dg.definitions
def alert_sensors() -> dg.Definitions:
    """Define the alert monitor, always on, and two sensors for runs, on if GOGOBE_ALERT_URL is set."""
    settings = Settings.read()
    interval = min(settings.poll_interval_seconds, MAX_INTERVAL_SECONDS)
    status = sensor_status(on=bool(settings.alert_url))

    @dg.sensor(
        name="alert_monitor",
        minimum_interval_seconds=interval,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Counts failed listings per portal, evaluates the portal checks, and sends alerts.",
    )
    def alert_monitor(
        context: dg.SensorEvaluationContext, resources: dg.ResourceParam[Resources]
    ) -> dg.SensorResult:
        with as_failure("alert_monitor"):
            return evaluate(context, resources)

    @dg.run_failure_sensor(
        name="failed_runs",
        minimum_interval_seconds=interval,
        default_status=status,
        description="Alerts when a run fails; once per feed, until one of its runs succeeds.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        alert = failure_alert(
            context.instance, context.dagster_run, failure_reason(context), ui_url=settings.ui_url
        )
        return _send_or_skip(alert, settings)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="recovered_runs",
        minimum_interval_seconds=interval,
        default_status=status,
        description="Alerts when a run succeeds after failed ones.",
    )
    def recovered_runs(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        return _send_or_skip(
            recovery_alert(context.instance, context.dagster_run, ui_url=settings.ui_url), settings
        )

    return dg.Definitions(sensors=[alert_monitor, failed_runs, recovered_runs])


def evaluate(context: dg.SensorEvaluationContext, resources: Resources) -> dg.SensorResult:
    """Compare the problems with those of the last tick, and send alerts about the difference.

    Raises `AlertNotSent` if an alert is not accepted. The cursor then stays as it was, so that the next tick
    sends the alert again. Changed prices of the watch list are remembered in their table.
    """
    # first: if a later alert is not taken, these have been sent and are remembered
    url = resources.settings.alert_url
    watched = None if is_preview(context) else alert_watched(resources.engine, url)
    before, listings = AlertState.from_json(context.cursor), last_listings(resources.engine)
    failures, failed_at = count_failures(before, listings)
    failing = {feed for feed, count in failures.items() if count >= resources.settings.alert_after_failures}
    names = {feed.key: feed.name for feed in FEEDS}
    problems = {
        _portal_problem(key): f"{names.get(key, key)}: {listings[key].code}: {listings[key].reason}"
        for key in failing
    }
    problems |= _failed_checks(context.instance, before.problems)
    alerts = alert_changes(before.problems, problems)
    for alert in () if is_preview(context) else alerts:
        send(alert, resources.settings.alert_url)
    after = AlertState(failures=failures, failed_at=failed_at, problems=problems)
    alerts += [watched] if watched else []
    reason = "\n".join(alert.body for alert in alerts) or f"{len(problems)} problems, none of them new"
    events = _changed_portal_checks(before, listings, failures, failing)
    return dg.SensorResult(skip_reason=reason, asset_events=events, cursor=after.to_json())


def _changed_portal_checks(
    before: AlertState, listings: Mapping[str, LastListing], failures: Mapping[str, int], failing: set[str]
) -> list[dg.AssetCheckEvaluation]:
    """Evaluate the portal check of each feed that began or stopped failing; the others stay as they are."""
    changed = [
        feed for feed in FEEDS if (_portal_problem(feed.key) in before.problems) != (feed.key in failing)
    ]
    results = [
        portal_check_result(
            feed,
            listings.get(feed.key),
            failures=failures.get(feed.key, 0),
            passed=feed.key not in failing,
        )
        for feed in changed
    ]
    return [
        dg.AssetCheckEvaluation(
            asset_key=FEED_HEALTH.key,
            check_name=result.check_name or "",
            passed=result.passed,
            metadata=result.metadata,
            severity=result.severity,
            description=result.description,
        )
        for result in results
    ]


def _failed_checks(instance: dg.DagsterInstance, before: Mapping[str, str]) -> dict[str, str]:
    """Return the problems that data quality checks found last, one for each check and feed.

    A check that is running now keeps its last problems.
    """
    failed = dict[str, str]()
    keys = [spec.key for spec in DATA_QUALITY]
    for key, record in instance.event_log_storage.get_latest_asset_check_execution_by_key(keys).items():
        name = f"check {key.to_user_string()}"
        if record.status.value == "PLANNED":
            failed |= {
                problem: text for problem, text in before.items() if f"{problem} ".startswith(f"{name} ")
            }
        elif record.status.value == "FAILED" and record.event and record.event.dagster_event:
            failed |= _problems(name, record.event.dagster_event.asset_check_evaluation_data)
    return failed


def _problems(name: str, evaluation: dg.AssetCheckEvaluation) -> dict[str, str]:
    """Return a problem for each feed that a failed check names, or one for the check if it names none."""
    table = evaluation.metadata.get(FINDINGS)
    findings = [record.data for record in table.records] if isinstance(table, dg.TableMetadataValue) else []
    problems = dict[str, str]()
    for finding in findings:
        if feed := finding.get("feed"):
            text = (
                f"{evaluation.check_name}: {finding['subject']}: {finding['observed']}, {finding['expected']}"
            )
            problems[f"{name} {feed}"] = "\n".join(filter(None, [problems.get(f"{name} {feed}"), text]))
    return problems or {name: f"{evaluation.check_name}: {evaluation.description}"}


def failure_reason(context: dg.RunFailureSensorContext) -> str:
    """Return what the first failed step says, such as which files failed with which codes."""
    for event in context.get_step_failure_events():
        data = event.step_failure_data.user_failure_data
        if data and data.description:
            return data.description
    return context.failure_event.message or ""


def failure_alert(
    instance: dg.DagsterInstance, run: dg.DagsterRun, error: str, *, ui_url: str = ""
) -> Alert | None:
    """Return an alert about a failed run, or None if the run before it failed too."""
    if _previous_run_failed(instance, run):
        return None
    body = f"{_run_link(run, ui_url)}: {error}"[:MAX_BODY_CHARACTERS]
    return Alert(title=f"gogobe: {_run_name(run)} failed", body=body)


def recovery_alert(instance: dg.DagsterInstance, run: dg.DagsterRun, *, ui_url: str = "") -> Alert | None:
    """Return an alert about a run that succeeded after a failed one; None if the one before succeeded."""
    if not _previous_run_failed(instance, run):
        return None
    return Alert(title=f"gogobe: {_run_name(run)} works again", body=_run_link(run, ui_url), is_good=True)


def _previous_run_failed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether the last run before this one, of the same job and feed, failed."""
    tags = {FEED_TAG: run.tags[FEED_TAG]} if FEED_TAG in run.tags else {}
    same_kind = dg.RunsFilter(job_name=run.job_name, tags=tags, statuses=ENDED)
    previous = instance.get_runs(same_kind, cursor=run.run_id, limit=1)
    return bool(previous) and previous[0].status is dg.DagsterRunStatus.FAILURE


def _run_link(run: dg.DagsterRun, ui_url: str) -> str:
    return f"{ui_url.rstrip('/')}/runs/{run.run_id}" if ui_url else f"run {run.run_id}"


def _run_name(run: dg.DagsterRun) -> str:
    return run.tags.get("dagster/partition", run.job_name)


def _send_or_skip(alert: Alert | None, settings: Settings) -> dg.SkipReason | None:
    if alert is None:
        return dg.SkipReason("no alert: nothing changed since the run before")
    with as_failure("alert"):
        send(alert, settings.alert_url)
    return None


def _portal_problem(feed_key: str) -> str:
    return f"portal {feed_key}"
