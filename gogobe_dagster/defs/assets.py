"""The assets discovered, downloaded, stores, prices and promotions; `parsed` is in a module of its own.

Each asset calls one function of `pipeline` per feed and reports the result as metadata. A partition is
materialized many times a day: each run does the pending work, and one without pending work changes nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from time import monotonic
from typing import Final

import dagster as dg
from pydantic import Field

from gogobe_dagster.defs.asset_metadata import OWNERS, with_asset_metadata
from gogobe_dagster.defs.failures import as_failure, listing_failure
from gogobe_dagster.defs.materialization_metadata import (
    Materialized,
    available_days_check,
    column_schema,
    daily_rows_metadata,
    download_metadata,
    files_check,
    files_left_out,
    files_metadata,
    files_of,
    load_metadata,
    partial_run_metadata,
    publication_hours_metadata,
    table_metadata,
    unavailable_days,
    waiting_line,
)
from gogobe_dagster.defs.partitions import days_by_feed, feed_day_partitions
from gogobe_dagster.defs.pools import PORTALS, WAREHOUSE
from gogobe_dagster.defs.step_outcomes import fail_if_too_few, tag_run, warn_of_failed_files
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.files.selection import FileSelection
from gogobe_dagster.monitoring.failed_files import partition_outcomes
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.step_results import Downloads
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.schema.enums import FileState


class Discovery(dg.Config):
    """Whether a run lists the portal."""

    list_portal: bool = Field(
        default=True,
        description="Whether the portal is listed; a sensor that has just listed it requests runs without.",
    )


LISTED_BY_SENSOR: Final = {"ops": {"discovered": {"config": {"list_portal": False}}}}
"""The configuration of a run whose sensor has just listed the portal."""
DISCOVERED = """
Every file that the portal lists, recorded in the ledger for ever.

A portal is listed by the feed's sensor, or by this step if somebody started the run. A file stays in the
ledger, with its state, after the portal stops listing it: `gogobe status --feed … --day … --files`.
"""
DISCOVERED_CHECKS = {
    "all_names_recognized": "The name of every file tells its chain, its kind and when it was published.",
    "all_days_available": "The portal lists this day, or the ledger already has files of it.",
}
DOWNLOADED = """
The bytes of every listed file exactly as served, stored under their SHA-256.

Each file is downloaded once, however often its partition is materialized, with as many parallel downloads as
the portal tolerates.
"""
TABLES = {
    Document.STORES: """
Every store of every chain, from the newest store list: name, address, city and kind.

A price file of a store that is in no store list creates the store, marked as not listed.
""",
    Document.PRICES: """
What each product costs in each store: the current price, since when, and the previous ones.

A full file replaces the prices of its store, a delta file adds to them; the order of loading does not matter.
Query the views `current_prices`, `cheapest_prices`, `price_changes` and `price_periods`, which add the names.
""",
    Document.PROMOTIONS: """
What each promotion offers, stored once per chain, and which stores have it since when.

Grouped, flat and per-item forms of an offer become the same rows. Query the view `promotions_now`, which adds
names, conditions and the effective unit price.
""",
}


@dg.definitions
def assets() -> dg.Definitions:
    """Define the assets before and after `parsed`, all with the same partitions."""
    settings = Settings.read()
    partitions = feed_day_partitions(settings)
    tables = [_table(document, description, partitions) for document, description in TABLES.items()]
    return dg.Definitions(
        with_asset_metadata([_discovered(partitions), _downloaded(partitions), *tables], settings)
    )


def _discovered(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=partitions,
        group_name="files",
        owners=OWNERS,
        kinds={"http", "postgres"},
        pool=PORTALS,
        check_specs=[
            dg.AssetCheckSpec(name, asset="discovered", partitions_def=partitions, description=description)
            for name, description in DISCOVERED_CHECKS.items()
        ],
        description=DISCOVERED.strip(),
        deps=["feed_register"],
    )
    def discovered(
        context: dg.AssetExecutionContext,
        config: Discovery,
        resources: dg.ResourceParam[Resources],
        selection: dg.ResourceParam[FileSelection],
    ) -> Materialized:
        days, started = days_by_feed(context.partition_keys), monotonic()
        if config.list_portal:
            _list_portals(context, resources, days)
        seconds = {"seconds": round(monotonic() - started, 2)}
        files = files_of(resources, days)
        unrecognized = [file for file in files if file.kind is None]
        unavailable = unavailable_days(resources, days)
        return Materialized(
            metadata=partial_run_metadata(resources, days, selection)
            | publication_hours_metadata(files)
            | files_metadata(files, unavailable)
            | seconds,
            check_results=[
                files_check("all_names_recognized", unrecognized, days, total=len(files)),
                available_days_check(unavailable, days),
            ],
        )

    return discovered


def _list_portals(
    context: dg.AssetExecutionContext, resources: Resources, days: Mapping[Feed, list[date]]
) -> None:
    """List the portal of each feed; if one fails, the step fails after the others were listed."""
    from gogobe_dagster.pipeline import discover

    errors: dict[Feed, PortalError] = {}
    for feed, feed_days in days.items():
        try:
            with as_failure(feed.key, reraise=(PortalError,)):
                listing = discover(feed, feed_days, resources)
        except PortalError as error:
            errors[feed] = error
        else:
            counts = (listing.listed, listing.new, listing.known)
            context.log.info("%s: %d files listed, %d new, %d known", feed.key, *counts)
    if errors:
        raise listing_failure(errors)


def _downloaded(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=partitions,
        deps=["discovered"],
        group_name="files",
        owners=OWNERS,
        kinds={"http", "file"},
        pool=PORTALS,
        check_specs=[
            dg.AssetCheckSpec(
                "all_files_downloaded",
                asset="downloaded",
                partitions_def=partitions,
                description="Every file of the day was downloaded, or quarantined for an expected reason.",
            )
        ],
        description=DOWNLOADED.strip(),
    )
    def downloaded(
        context: dg.AssetExecutionContext,
        resources: dg.ResourceParam[Resources],
        selection: dg.ResourceParam[FileSelection],
    ) -> Iterator[Materialized]:
        yield from _download_days(context, resources, selection)

    return downloaded


def _download_days(
    context: dg.AssetExecutionContext, resources: Resources, selection: FileSelection
) -> Iterator[Materialized]:
    """Download what waits, tell what failed, and fail where too little came through."""
    from gogobe_dagster.pipeline import download, to_download

    days, started = days_by_feed(context.partition_keys), monotonic()
    downloads, tried = list[Downloads](), set[int]()
    for feed, feed_days in days.items():
        with as_failure(feed.key):
            tried |= {file.id for file in to_download(feed, feed_days, resources, selection)}
            downloads.append(download(feed, feed_days, resources, selection))
            if line := waiting_line(downloads[-1]):
                context.log.warning("%s: %s", feed.key, line)
    seconds = monotonic() - started
    files, others = files_of(resources, days), files_left_out(resources, days, selection)
    missing = [file for file in files if file.sha256 is None]
    context.log.info("%d of %d files downloaded", sum(done.fetched for done in downloads), len(tried))
    # only failures: downloaded files are logged when they are parsed
    warn_of_failed_files(context, [file for file in missing if file.id in tried])
    tag_run(context, files)
    failed = [file for file in missing if not file.is_left_out]
    yield Materialized(
        metadata=download_metadata(downloads, seconds)
        | partial_run_metadata(resources, days, selection)
        | files_metadata(files, unavailable_days(resources, days)),
        check_results=[files_check("all_files_downloaded", failed, days, total=len(files), left_out=others)],
    )
    outcomes = partition_outcomes(
        files,
        has_come_through=lambda file: file.sha256 is not None,
        tried=tried,
        not_selected={file.id for file in others},
    )
    percent = resources.settings.min_files_percent
    fail_if_too_few(context, "downloaded", outcomes, verb="downloaded", min_percent=percent)


def _table(
    document: Document, description: str, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    @dg.asset(
        name=document.value,
        partitions_def=partitions,
        deps=["parsed"],
        group_name="warehouse",
        owners=OWNERS,
        kinds={"postgres", "polars"},
        pool=WAREHOUSE,
        check_specs=[
            dg.AssetCheckSpec(
                "all_files_loaded",
                asset=document.value,
                partitions_def=partitions,
                description=f"Every file of {document.value} of the day was loaded into the tables.",
            )
        ],
        description=description.strip(),
        metadata={"dagster/column_schema": column_schema(document)},
        # safe: a lost connection or a serialization failure leaves no partial load
        retry_policy=dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL),
    )
    def table(
        context: dg.AssetExecutionContext,
        resources: dg.ResourceParam[Resources],
        selection: dg.ResourceParam[FileSelection],
    ) -> Iterator[Materialized]:
        yield from _load_days(document, context, resources, selection)

    return table


def _load_days(
    document: Document, context: dg.AssetExecutionContext, resources: Resources, selection: FileSelection
) -> Iterator[Materialized]:
    """Load what was parsed, and fail where too little came through."""
    from gogobe_dagster.pipeline import load

    days = days_by_feed(context.partition_keys)
    reports = []
    for feed, feed_days in days.items():
        with as_failure(feed.key):
            reports.append(load(document, feed, feed_days, resources, selection))
    files = files_of(resources, days, document)
    others = files_left_out(resources, days, selection, document)
    missing = [file for file in files if not _is_loaded(file)]
    failed = [file for file in missing if not file.is_left_out]
    yield Materialized(
        metadata=load_metadata(reports)
        | table_metadata(resources, document)
        | daily_rows_metadata(resources, document, days)
        | partial_run_metadata(resources, days, selection, document)
        | files_metadata(files, unavailable_days(resources, days)),
        check_results=[files_check("all_files_loaded", failed, days, total=len(files), left_out=others)],
    )
    outcomes = partition_outcomes(
        files, has_come_through=_is_loaded, not_selected={file.id for file in others}
    )
    percent = resources.settings.min_files_percent
    fail_if_too_few(context, document.value, outcomes, verb="loaded", min_percent=percent)


def _is_loaded(file: LedgerFile) -> bool:
    return file.state is FileState.LOADED
