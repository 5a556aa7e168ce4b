"""One sensor per feed: polls the portal and requests runs for new files. `run_planning` decides which.

Dagster ends a tick after 60 seconds, while its function keeps running, so polling has a time limit of its
own. Portals whose listing takes longer are listed by runs instead, which have time.
"""

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Thread
from urllib.parse import urlsplit

import dagster as dg

from gogobe_dagster.clock import day_of
from gogobe_dagster.defs.assets import LISTED_BY_SENSOR
from gogobe_dagster.defs.automation import is_preview, sensor_status
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.jobs import IMPORT_JOB, IN_PROCESS
from gogobe_dagster.defs.partitions import DAY_TAG, FEED, FEED_TAG, partition_key
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.publishing_calendar import expected_empty_reason
from gogobe_dagster.feeds.registry import FEEDS, Feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.run_planning import (
    PlannedRun,
    Threshold,
    no_run_reason,
    plan_runs,
    poll_interval,
    skip_poll_reason,
)
from gogobe_dagster.settings import Settings

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
PORTAL_TAG, FILES_TAG, REASON_TAG = "gogobe/portal", "gogobe/files", "gogobe/reason"
MAX_TAG_CHARACTERS = 200
MAX_RUNS = 1000
"""Runs of one feed that are looked through for unfinished days."""
GRACE_SECONDS = 5
"""What a listing may take beyond its time limit before the tick gives up waiting for it."""
SLOW_FOR = timedelta(hours=6)
"""How long a portal that was too slow for its sensor is listed by runs only."""


@dg.definitions
def feed_sensors() -> dg.Definitions:
    """Define one sensor per feed, so that feeds can be switched on and off in the web UI."""
    settings = Settings.read()
    return dg.Definitions(sensors=[_sensor(feed, settings) for feed in FEEDS])


def _sensor(feed: Feed, settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{feed.key}_files",
        job_name=IMPORT_JOB,
        minimum_interval_seconds=poll_interval(feed, settings.poll_interval_seconds),
        default_status=sensor_status(on=settings.sensors_on),
        description=sensor_description(feed),
        tags={FEED: feed.key, "family": feed.family.value, "portal": _host(feed)},
    )
    def poll(context: dg.SensorEvaluationContext, resources: dg.ResourceParam[Resources]) -> dg.SensorResult:
        with as_failure(feed.key):
            return evaluate_sensor(feed, context, resources)

    return poll


def sensor_description(feed: Feed) -> str:
    """Describe whose portal it is, where it is, and what it usually publishes."""
    rests = " No new files on Shabbat and holidays." if feed.observes_shabbat else ""
    return (
        f"Polls the portal of {feed.name} ({feed.hebrew_name}) and requests runs for new files. "
        f"Portal: {_host(feed)}, family {feed.family.value}. "
        f"About {feed.stores} stores; full files by {feed.full_files_by:%H:%M}.{rests} {feed.note}"
    ).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class PollResult:
    """The outcome of polling a portal, or of not polling it."""

    message: str
    wants_listing_run: bool = False
    """Whether a run should list the portal, which is too slow for the sensor."""
    cursor: str | None = None
    """When the portal was found to be too slow for its sensor; empty if it is not."""
    is_paused: bool = False
    """Whether the portal refused and is left alone: a run could not download anything."""


def evaluate_sensor(feed: Feed, context: dg.SensorEvaluationContext, resources: Resources) -> dg.SensorResult:
    """Poll the portal, then request the runs that the pending files need.

    Raises `PortalError` if the portal cannot be listed: the tick fails with its code, and other feeds go on.
    """
    now, settings = resources.clock(), resources.settings
    threshold = Threshold.from_settings(settings)
    result = _poll(feed, context, resources, now)
    if result.is_paused:
        return dg.SensorResult(skip_reason=result.message, cursor=result.cursor)
    # Runs first: one that ends after this has its day left out, and of one that ended before it nothing is
    # pending. The other way round, a run that ends in between would be followed by one with nothing to do.
    unfinished = _days_of_unfinished_runs(context.instance, feed)
    pending = resources.ledger.pending(feed.key, now=now)
    today, requests = day_of(now), list[dg.RunRequest]()
    first_day = settings.first_day_on(today)
    runs = plan_runs(feed, pending, first_day=first_day, under_way=unfinished, threshold=threshold, now=now)
    if result.wants_listing_run and today not in unfinished:
        runs = [run for run in runs if run.day != today]
        requests = [_listing_run(feed, result, now, settings)]
    requests += [_import_run(run, settings) for run in runs]
    if requests:
        return dg.SensorResult(run_requests=requests, cursor=result.cursor)
    why = no_run_reason(pending, under_way=unfinished, threshold=threshold)
    return dg.SensorResult(skip_reason=f"{result.message}; {why}", cursor=result.cursor)


def _poll(feed: Feed, context: dg.SensorEvaluationContext, resources: Resources, now: datetime) -> PollResult:
    """Poll the portal, unless there is a reason not to. Raises `PortalError`."""
    from gogobe_dagster.warehouse.ledger.listing_status import last_listings
    from gogobe_dagster.warehouse.ledger.portal_pause import active_pause

    cursor = context.cursor
    if pause := active_pause(resources.engine, resources.portal_account(feed), now=now):
        return PollResult(message=f"{pause.code}: {pause.error.reason}", cursor=cursor, is_paused=True)
    settings, last = resources.settings, last_listings(resources.engine).get(feed.key)
    listed_at = last.listed_at if last else None
    skip_reason = skip_poll_reason(
        feed,
        now=now,
        listed_at=listed_at,
        quiet_hours=settings.quiet_period,
        interval=timedelta(seconds=settings.poll_interval_seconds),
    )
    if skip_reason:
        return PollResult(message=skip_reason, cursor=cursor)
    if cursor and now - datetime.fromisoformat(cursor) < SLOW_FOR:
        is_due = listed_at is None or now - listed_at >= timedelta(minutes=settings.slow_poll_minutes)
        message = "the portal is slow and therefore listed by runs"
        return PollResult(message=message, wants_listing_run=is_due, cursor=cursor)
    try:
        message = _list_with_timeout(feed, resources, now, preview=is_preview(context))
    except PortalError as error:
        if error.code is Code.LISTING_TOO_SLOW:
            return PollResult(message=error.reason, wants_listing_run=True, cursor=now.isoformat())
        if error.code is Code.LISTING_EMPTY_UNEXPECTED and (usual := expected_empty_reason(feed, now)):
            return PollResult(message=f"the listing is empty, as usual when {usual}", cursor="")
        raise
    return PollResult(message=message, cursor="")


def _list_with_timeout(feed: Feed, resources: Resources, now: datetime, *, preview: bool) -> str:
    """List the portal in a thread, to give up on what no client timeout ends: a hanging DNS lookup, say.

    Returns what was found, in words. The thread may finish later. What it then writes into the ledger is
    still correct.
    """
    seconds = resources.settings.poll_timeout_seconds
    outcome: Future[str] = Future()
    list_portal = _count_listed if preview else _record_listed

    def attempt() -> None:
        try:
            outcome.set_result(list_portal(feed, resources, now))
        except BaseException as error:  # noqa: BLE001 - raised again where the outcome is awaited
            outcome.set_exception(error)

    Thread(target=attempt, name=f"list {feed.key}", daemon=True).start()
    limit = seconds + GRACE_SECONDS
    try:
        return outcome.result(limit)
    except TimeoutError:
        error = PortalError(Code.CONNECTION_LOST, f"no listing within {limit} seconds")
        if not preview:
            resources.ledger.record_failure(feed.key, error, now=now)
        raise error from None


def _record_listed(feed: Feed, resources: Resources, now: datetime) -> str:
    from gogobe_dagster.pipeline import discover

    listing = discover(feed, [day_of(now)], resources, budget=resources.settings.poll_timeout_seconds)
    return f"{listing.listed} files listed, {listing.new} new"


def _count_listed(feed: Feed, resources: Resources, now: datetime) -> str:
    from gogobe_dagster.pipeline import list_portal

    files = list_portal(feed, [day_of(now)], resources, budget=resources.settings.poll_timeout_seconds)
    return f"{len(files)} files listed; a preview records none of them"


def _import_run(run: PlannedRun, settings: Settings) -> dg.RunRequest:
    """Request a run for pending files; one with few files executes its steps in one process."""
    return dg.RunRequest(
        run_key=run.key,
        partition_key=partition_key(run.feed, run.day),
        tags={
            FILES_TAG: str(run.files),
            REASON_TAG: run.reason,
            PORTAL_TAG: _host(run.feed),
        },
        run_config=LISTED_BY_SENSOR | (IN_PROCESS if run.files <= settings.in_process_max_files else {}),
    )


def _listing_run(feed: Feed, result: PollResult, now: datetime, settings: Settings) -> dg.RunRequest:
    """Request a run of today that lists the portal itself; the run key allows one per interval."""
    today = day_of(now)
    interval = int(now.timestamp()) // (settings.slow_poll_minutes * 60)
    return dg.RunRequest(
        run_key=f"{feed.key}|{today}|listing|{interval}",
        partition_key=partition_key(feed, today),
        tags={REASON_TAG: result.message[:MAX_TAG_CHARACTERS], PORTAL_TAG: _host(feed)},
    )


def _host(feed: Feed) -> str:
    return urlsplit(feed.base_url).hostname or feed.key


def _days_of_unfinished_runs(instance: dg.DagsterInstance, feed: Feed) -> set[date]:
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED, tags={FEED_TAG: feed.key}), limit=MAX_RUNS)
    # a run of several days has no tag for the day; the run queue keeps a second run of the feed waiting
    days = [run.tags.get(DAY_TAG) for run in runs]
    return {date.fromisoformat(day) for day in days if day}
