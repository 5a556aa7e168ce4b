"""The assets discovered, downloaded, stores, prices and promotions; `parsed` between them is in `parsed`.

Each is a thin shell: it takes the run's cells, calls one chapter of `importing` per feed, and says
what happened in numbers and a table. A partition is materialized many times a day; each time it
does the pending work, and a second time it finds nothing to do and says so.
"""

from collections.abc import Mapping
from datetime import date

import dagster as dg

from gogobe_dagster.defs.failures import as_failure, listings_failed
from gogobe_dagster.defs.partitions import days_by_feed
from gogobe_dagster.defs.pools import PORTALS, WAREHOUSE
from gogobe_dagster.defs.register_shown import register_tables
from gogobe_dagster.defs.reporting import (
    Materialized,
    about,
    about_days,
    about_downloads,
    about_load,
    about_table,
    check,
    check_days,
    column_schema,
    days_not_offered,
    files_in,
)
from gogobe_dagster.equipment import Equipment
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds import Feed
from gogobe_dagster.files.kinds import Document

OWNERS = ["team:gogobe"]
LISTED_BY_SENSOR = "gogobe/listed_at"
TABLES = {
    Document.STORES: "Every branch of every chain: name, address, city, kind; from its newest store list.",
    Document.PRICES: "What each product costs in each store now, since when, and what it cost before.",
    Document.PROMOTIONS: "What each promotion offers, once a chain, and which stores carry it since when.",
}


def build_assets(partitions: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """Make the assets around `parsed`, all on the same grid."""
    tables = [_table(document, description, partitions) for document, description in TABLES.items()]
    return [_discovered(partitions), _downloaded(partitions), *tables]


def _discovered(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=partitions,
        group_name="files",
        owners=OWNERS,
        kinds={"http", "postgres"},
        pool=PORTALS,
        check_specs=[
            dg.AssetCheckSpec("every_name_understood", asset="discovered"),
            dg.AssetCheckSpec("every_day_offered", asset="discovered"),
        ],
        description="Every file that the portal shows, written into the ledger for ever.",
        metadata=register_tables(),
    )
    def discovered(context: dg.AssetExecutionContext, equipment: dg.ResourceParam[Equipment]) -> Materialized:
        days = days_by_feed(context.partition_keys)
        if LISTED_BY_SENSOR not in context.run.tags:
            _list_portals(context, equipment, days)
        files = files_in(equipment, days)
        unread = [file for file in files if file.kind is None]
        unknown = days_not_offered(equipment, days)
        return Materialized(
            metadata=about(files) | about_days(unknown),
            check_results=[
                check("every_name_understood", unread, of=len(files)),
                check_days(unknown),
            ],
        )

    return discovered


def _list_portals(
    context: dg.AssetExecutionContext, equipment: Equipment, days: Mapping[Feed, list[date]]
) -> None:
    """List each feed's portal; one that does not answer fails the step after the others were listed."""
    from gogobe_dagster.importing import discover

    failed: dict[Feed, PortalError] = {}
    for feed, some in days.items():
        try:
            with as_failure(feed.key, but=(PortalError,)):
                seen = discover(feed, some, equipment)
        except PortalError as error:
            failed[feed] = error
        else:
            context.log.info(
                "%s: %d files listed, %d new, %d known", feed.key, seen.listed, seen.new, seen.known
            )
    if failed:
        raise listings_failed(failed)


def _downloaded(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=partitions,
        deps=["discovered"],
        group_name="files",
        owners=OWNERS,
        kinds={"http", "file"},
        pool=PORTALS,
        check_specs=[dg.AssetCheckSpec("every_file_fetched", asset="downloaded")],
        description="The bytes of every listed file exactly as served, kept under their SHA-256.",
    )
    def downloaded(context: dg.AssetExecutionContext, equipment: dg.ResourceParam[Equipment]) -> Materialized:
        from gogobe_dagster.identity import is_set_aside_rightly
        from gogobe_dagster.importing import download

        days = days_by_feed(context.partition_keys)
        done = []
        for feed, some in days.items():
            with as_failure(feed.key):
                done.append(download(feed, some, equipment))
        files = files_in(equipment, days)
        unfetched = [file for file in files if file.sha256 is None and not is_set_aside_rightly(file)]
        return Materialized(
            metadata=about_downloads(done) | about(files) | about_days(days_not_offered(equipment, days)),
            check_results=[check("every_file_fetched", unfetched, of=len(files))],
        )

    return downloaded


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
        check_specs=[dg.AssetCheckSpec("every_file_loaded", asset=document.value)],
        description=description,
        metadata={"dagster/column_schema": column_schema(document)},
        # a lost connection or a serialization failure leaves nothing half done
        retry_policy=dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL),
    )
    def table(context: dg.AssetExecutionContext, equipment: dg.ResourceParam[Equipment]) -> Materialized:
        from gogobe_dagster.identity import is_set_aside_rightly
        from gogobe_dagster.importing import load

        days = days_by_feed(context.partition_keys)
        reports = []
        for feed, some in days.items():
            with as_failure(feed.key):
                reports.append(load(document, feed, some, equipment))
        files = files_in(equipment, days, document)
        missing = [file for file in files if file.state.value != "loaded" and not is_set_aside_rightly(file)]
        return Materialized(
            metadata=about_load(reports)
            | about_table(equipment, document)
            | about(files)
            | about_days(days_not_offered(equipment, days)),
            check_results=[check("every_file_loaded", missing, of=len(files))],
        )

    return table
