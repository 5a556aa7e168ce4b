"""The asset `fleet`: the state of all feeds on one page, every hour. `monitoring.fleet` counts."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from urllib.parse import quote

import dagster as dg

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.defs.asset_metadata import OWNERS
from gogobe_dagster.defs.automation import TIME_ZONE, schedule_status
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.materialization_metadata import Materialized
from gogobe_dagster.defs.metadata_tables import Row, metadata_table, table_schema
from gogobe_dagster.defs.partitions import FEED_TAG, day_partitions, partition_key
from gogobe_dagster.defs.plots import picture
from gogobe_dagster.monitoring.fleet import DayColor, FeedStatus, Fleet, look_at_fleet
from gogobe_dagster.monitoring.pictures import bars, day_matrix
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings

ASSET, JOB = "fleet", "report_fleet"
HOURLY = "20 * * * *"
"""After the hourly checks, which look at the same data."""
PAST = "This page is of a past day; the page of today shows what is wrong now."
DESCRIPTION = """
All feeds on one page, every hour: files, prices and stores of the last 14 days, what is late and why, what
waits, and the files that were loaded last.

A sign is a day: ■ all of its files are in the tables; ▄ some wait or failed; × too few came through; · no
file is known. The numbers per feed can be plotted over the days.
"""
NO_FEEDS = "No portal was polled yet: switch on sensors, or type `gogobe import --feed rami_levy`."
LEGEND = (
    "full square: all files are in the tables · half: some wait or failed · cross: too few came through · "
    "dot: no file is known"
)
TIMELINE = "/overview/activity/timeline?groupBy=automation"
SIGNS = {DayColor.GOOD: "■", DayColor.SOME: "▄", DayColor.BAD: "×", DayColor.NONE: "·"}
PROBLEM_COLUMNS = table_schema({"feed": "Key of the feed", "problem": "What is wrong, and why"})
STATUS_COLUMNS = table_schema(
    {
        "feed": "Key of the feed",
        "chain": "Name of the chain in Hebrew",
        "14 days": "■ all files are in the tables, ▄ some wait or failed, × too few came through, · no file",
        "prices": "Rows of price files of the day in the tables",
        "prices the day before": "The same of the day before",
        "promotions": "Rows of promotion files of the day in the tables",
        "stores": "Stores with a full price file of the day, of the most on one of 14 days",
        "files": "Files of the day, without those left out on purpose",
        "waiting": "Of these, files that are still to be downloaded, parsed or loaded",
        "quarantined": "Of these, files that could not be imported",
        "newest full file": "When the newest loaded full price file was published, in Israel's time",
        "last listing": "When the portal was last listed, in Israel's time",
    },
    integers=["prices", "prices the day before", "promotions", "files", "waiting", "quarantined"],
)
FILE_COLUMNS = table_schema(
    {
        "loaded at": "Israel's time",
        "feed": "Key of the feed",
        "file": "Name on the portal",
        "rows": "Rows read from it",
    },
    integers=["rows"],
)


@dg.definitions
def fleet_definitions() -> dg.Definitions:
    """Define the asset, its job and the hourly schedule."""
    settings = Settings.read()
    partitions = day_partitions(settings)
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(ASSET),
        executor_def=dg.in_process_executor,
        description="Counts what all feeds have published and what is in the tables; the result is a page.",
    )
    return dg.Definitions(assets=[_fleet(partitions)], jobs=[job], schedules=[_hourly(settings)])


def _hourly(settings: Settings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{JOB}_hourly",
        cron_schedule=HOURLY,
        execution_timezone=TIME_ZONE,
        job_name=JOB,
        default_status=schedule_status(settings),
        description="Twenty past every hour: the state of all feeds on one page.",
    )
    def hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(partition_key=day_of(context.scheduled_execution_time).isoformat())

    return hourly


def _fleet(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        name=ASSET,
        partitions_def=partitions,
        deps=["stores", "prices", "promotions"],
        group_name="monitoring",
        owners=OWNERS,
        kinds={"postgres"},
        description=DESCRIPTION.strip(),
    )
    def fleet(context: dg.AssetExecutionContext, resources: dg.ResourceParam[Resources]) -> Materialized:
        day, settings = date.fromisoformat(context.partition_key), resources.settings
        with as_failure(ASSET):
            seen = look_at_fleet(resources.engine, settings, resources.clock(), until=day)
        percent, problems = settings.min_files_percent, list(_problems(seen))
        none = "none" if day == day_of(resources.clock()) else PAST
        return Materialized(
            metadata={
                "problems now": metadata_table(PROBLEM_COLUMNS, problems) if problems else none,
                "feeds": metadata_table(
                    STATUS_COLUMNS, [_row(status, day, percent) for status in seen.feeds]
                ),
                "14 days": dg.MetadataValue.md(_days(seen, percent)),
                "prices, and of the day before": dg.MetadataValue.md(_prices(seen)),
                "links": dg.MetadataValue.md(_links(seen, settings)),
                "files loaded last": metadata_table(FILE_COLUMNS, _last_files(seen)),
                **_numbers(seen),
            }
        )

    return fleet


def _problems(fleet: Fleet) -> Iterator[Row]:
    for status in fleet.with_problems:
        for problem in status.problems:
            yield {"feed": status.feed.key, "problem": problem}


def _numbers(fleet: Fleet) -> dict[str, int]:
    """Return the numbers that can be plotted: of all feeds, then of each."""
    totals = {
        "feeds with problems": len(fleet.with_problems),
        "files waiting": fleet.queue,
        "rows loaded per second, last hour": fleet.rows_per_second,
        "files of the day": fleet.total("files"),
        "files quarantined": fleet.total("quarantined"),
        "prices": fleet.total("prices"),
        "prices the day before": fleet.total("prices", days_before=1),
        "promotions": fleet.total("promotions"),
        "stores": fleet.total("stores"),
    }
    of_feeds = {f"prices of {status.feed.key}": status.days[fleet.day].prices for status in fleet.feeds}
    return totals | of_feeds


def _row(status: FeedStatus, day: date, min_percent: float) -> Row:
    today, before = status.days[day], status.days[day - timedelta(days=1)]
    return {
        "feed": status.feed.key,
        "chain": status.feed.hebrew_name,
        "14 days": "".join(SIGNS[each.color(min_percent)] for each in status.days.values()),
        "prices": today.prices,
        "prices the day before": before.prices,
        "promotions": today.promotions,
        "stores": f"{today.stores} of {status.usual_stores}",
        "files": today.files,
        "waiting": today.pending,
        "quarantined": today.quarantined,
        "newest full file": _local(status.newest_full_at),
        "last listing": _local(status.listing.listed_at if status.listing else None),
    }


def _last_files(fleet: Fleet) -> list[Row]:
    return [
        {"loaded at": _local(file.loaded_at), "feed": file.feed, "file": file.name, "rows": file.rows}
        for file in fleet.last_files
    ]


def _days(fleet: Fleet, min_percent: float) -> str:
    if not fleet.feeds:
        return NO_FEEDS
    days = [f"{day:%d.%m.}" for day in fleet.feeds[0].days]
    colors = {
        status.feed.name: [day.color(min_percent) for day in status.days.values()] for status in fleet.feeds
    }
    return f"{picture(day_matrix(colors, days), 'files by feed and day')}\n\n{LEGEND}"


def _prices(fleet: Fleet) -> str:
    """Draw the prices of the day, and below them those of the day before."""
    before = fleet.day - timedelta(days=1)
    rows = {
        status.feed.name: (status.days[fleet.day].prices, status.days[before].prices)
        for status in fleet.feeds
    }
    return picture(bars(rows), "prices by feed") if rows else NO_FEEDS


def _links(fleet: Fleet, settings: Settings) -> str:
    """Link portals, files, runs and sensors; addresses without a host are pages of this web UI."""
    lines = ["| feed | portal | files of the day | runs | sensor |", "|---|---|---|---|---|"]
    for status in fleet.feeds:
        feed = status.feed
        partition = quote(str(partition_key(feed, fleet.day)), safe="")
        runs = quote(f"tag:{FEED_TAG}={feed.key}", safe="")
        lines.append(
            f"| {feed.key} | [{feed.base_url}]({feed.base_url}) "
            f"| [files](/assets/downloaded?view=partitions&partition={partition}) "
            f"| [runs](/runs?q%5B0%5D={runs}) "
            f"| [sensor](/locations/gogobe_dagster/sensors/{feed.key}_files) |"
        )
    lines.append(f"\nRaw files are in `{settings.raw_store_url}`, under `sha256` of the table `file`.")
    lines.append(f"What ran when, feed by feed: [the timeline]({TIMELINE}).")
    return "\n".join(lines)


def _local(timestamp: datetime | None) -> str:
    return f"{timestamp.astimezone(ISRAEL):%Y-%m-%d %H:%M}" if timestamp else "never"
