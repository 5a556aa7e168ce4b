"""One sensor per feed: new files on its portal become runs. What to do is decided in `deciding`.

A tick is cut off after 60 seconds while its function runs on, so a look has a budget of its own. A
portal whose pages take longer is listed by runs instead, which have time.
"""

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Thread
from urllib.parse import urlsplit

import dagster as dg

from gogobe_dagster.clock import day_of
from gogobe_dagster.defs.assets import LISTED_BY_SENSOR
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.jobs import IMPORT_JOB, IN_PROCESS
from gogobe_dagster.defs.partitions import DAY, FEED, partition_key
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.publishing_calendar import why_empty
from gogobe_dagster.feeds.registry import FEEDS, Feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.run_planning import (
    RunWanted,
    Threshold,
    look_interval,
    runs_wanted,
    why_none,
    why_not_to_look,
)
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import Recorded

UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
PORTAL = "gogobe/portal"
GRACE_SECONDS = 5
SLOW_FOR = timedelta(hours=6)
"""How long a portal that was too slow for a look is not tried in a look again."""


@dg.definitions
def feed_sensors() -> dg.Definitions:
    """Define one sensor per feed, so that feeds can be switched on and off in the web UI."""
    settings = Settings.read()
    return dg.Definitions(sensors=[_sensor(feed, settings) for feed in FEEDS])


def _sensor(feed: Feed, settings: Settings) -> dg.SensorDefinition:
    on = dg.DefaultSensorStatus.RUNNING if settings.sensors_on else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name=f"{feed.key}_files",
        job_name=IMPORT_JOB,
        minimum_interval_seconds=look_interval(feed, settings.sensor_seconds),
        default_status=on,
        description=describe(feed),
        tags={FEED: feed.key},
    )
    def look(context: dg.SensorEvaluationContext, resources: dg.ResourceParam[Resources]) -> dg.SensorResult:
        with as_failure(feed.key):
            return look_at(feed, context, resources)

    return look


def describe(feed: Feed) -> str:
    """Say of whom the portal is, where, and what to expect of it."""
    rests = " Rests on Shabbat and holidays." if feed.rests else ""
    usual = f"about {feed.stores} stores, full files by {feed.fulls_by:%H:%M}.{rests}"
    words = f"Looks at the portal of {feed.name} ({feed.hebrew}) and imports what is new."
    return f"{words} {_host(feed)}, family {feed.family.value}; {usual} {feed.note}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at a portal gave."""

    said: str
    wants_listing_run: bool = False
    cursor: str | None = None
    """Since when the portal is known to be too slow for looks."""


def look_at(feed: Feed, context: dg.SensorEvaluationContext, resources: Resources) -> dg.SensorResult:
    """List the portal, then ask for the runs that what is pending needs.

    A listing that fails is a failed tick that names the code; the other feeds have sensors of their own.
    """
    now, settings = resources.clock(), resources.settings
    threshold = Threshold.of(settings)
    look = _look(feed, context.cursor, resources, now)
    pending = resources.ledger.pending(feed.key)
    under_way = _days_under_way(context.instance, feed)
    wanted = runs_wanted(
        feed, pending, first_day=settings.first_day, under_way=under_way, threshold=threshold, now=now
    )
    today, requests = day_of(now), list[dg.RunRequest]()
    if look.wants_listing_run and today not in under_way:
        wanted = [run for run in wanted if run.day != today]
        requests = [_listing_run(feed, look, now, settings)]
    requests += [_import_run(run, now, settings) for run in wanted]
    if requests:
        return dg.SensorResult(run_requests=requests, cursor=look.cursor)
    nothing = why_none(pending, under_way=under_way, threshold=threshold)
    return dg.SensorResult(skip_reason=f"{look.said}; {nothing}", cursor=look.cursor)


def _look(feed: Feed, cursor: str | None, resources: Resources, now: datetime) -> Look:
    """Look at the portal, unless there is a reason not to. Raises `PortalError`."""
    from gogobe_dagster.warehouse.ledger.listing_status import last_listings

    settings, last = resources.settings, last_listings(resources.engine).get(feed.key)
    listed_at = last.listed_at if last else None
    why_not = why_not_to_look(
        feed,
        now=now,
        listed_at=listed_at,
        quiet_hours=settings.quiet,
        interval=timedelta(seconds=settings.sensor_seconds),
    )
    if why_not:
        return Look(said=why_not, cursor=cursor)
    if cursor and now - datetime.fromisoformat(cursor) < SLOW_FOR:
        is_due = listed_at is None or now - listed_at >= timedelta(minutes=settings.slow_listing_minutes)
        return Look(said="the portal is slow and listed by runs", wants_listing_run=is_due, cursor=cursor)
    try:
        seen = _discover_in_time(feed, resources, now)
    except PortalError as error:
        if error.code is Code.LISTING_TOO_SLOW:
            return Look(said=error.reason, wants_listing_run=True, cursor=now.isoformat())
        if error.code is Code.LISTING_EMPTY_UNEXPECTED and (usual := why_empty(feed, now)):
            return Look(said=f"the list is empty, as usual when {usual}", cursor="")
        raise
    return Look(said=f"{seen.listed} files listed, {seen.new} new", cursor="")


def _discover_in_time(feed: Feed, resources: Resources, now: datetime) -> Recorded:
    """Give up what no time limit of a client ends: a name server that hangs, headers that drip.

    The thread may go on for a while; what it writes into the ledger late is right all the same.
    """
    from gogobe_dagster.pipeline import discover

    seconds = resources.settings.look_seconds
    outcome: Future[Recorded] = Future()

    def listen() -> None:
        try:
            outcome.set_result(discover(feed, [day_of(now)], resources, budget=seconds))
        except BaseException as error:  # noqa: BLE001 - it is raised again by whoever waits
            outcome.set_exception(error)

    Thread(target=listen, name=f"look at {feed.key}", daemon=True).start()
    try:
        return outcome.result(seconds + GRACE_SECONDS)
    except TimeoutError:
        error = PortalError(Code.CONNECTION_LOST, f"no list within {seconds + GRACE_SECONDS} seconds")
        resources.ledger.record_failure(feed.key, error, now=now)
        raise error from None


def _import_run(run: RunWanted, now: datetime, settings: Settings) -> dg.RunRequest:
    """Ask for a run of what is pending; with few files, without processes of its steps."""
    tags = {"gogobe/files": str(run.files), "gogobe/reason": run.reason}
    return dg.RunRequest(
        run_key=run.key,
        partition_key=partition_key(run.feed, run.day),
        tags=tags | {LISTED_BY_SENSOR: now.isoformat(), PORTAL: _host(run.feed)},
        run_config=IN_PROCESS if run.files <= settings.small_run_files else None,
    )


def _listing_run(feed: Feed, look: Look, now: datetime, settings: Settings) -> dg.RunRequest:
    """Ask for a run of today that lists the portal itself; one in so many minutes, whoever asks."""
    turn = int(now.timestamp()) // (settings.slow_listing_minutes * 60)
    return dg.RunRequest(
        run_key=f"{feed.key}|{day_of(now)}|listing|{turn}",
        partition_key=partition_key(feed, day_of(now)),
        tags={"gogobe/reason": look.said[:200], PORTAL: _host(feed)},
    )


def _host(feed: Feed) -> str:
    return urlsplit(feed.base_url).hostname or feed.key


def _days_under_way(instance: dg.DagsterInstance, feed: Feed) -> set[date]:
    runs = instance.get_runs(
        dg.RunsFilter(statuses=UNDER_WAY, tags={f"dagster/partition/{FEED}": feed.key}), limit=1000
    )
    # a run of a range of days has no single day, and is waited for by the queue
    days = [run.tags.get(f"dagster/partition/{DAY}") for run in runs]
    return {date.fromisoformat(day) for day in days if day}
