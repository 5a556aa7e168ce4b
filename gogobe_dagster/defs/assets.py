"""The assets discovered, downloaded, stores, prices and promotions; `parsed` between them is in `parsed`.

Each is a thin shell: it takes the run's cells, calls one chapter of `importing` per feed, and says
what happened in numbers and a table. A partition is materialized many times a day; each time it
does the pending work, and a second time it finds nothing to do and says so.
"""

from collections.abc import Mapping
from datetime import date
from time import monotonic

import dagster as dg

from gogobe_dagster.defs.asset_metadata import described
from gogobe_dagster.defs.failures import as_failure, listings_failed
from gogobe_dagster.defs.materialization_metadata import (
    Materialized,
    about,
    about_downloads,
    about_hours,
    about_load,
    about_table,
    about_trend,
    check,
    check_days,
    column_schema,
    days_not_offered,
    files_in,
    told,
)
from gogobe_dagster.defs.partitions import days_by_feed, feed_days
from gogobe_dagster.defs.pools import PORTALS, WAREHOUSE
from gogobe_dagster.defs.register_metadata import register_tables
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings

OWNERS = ["team:gogobe"]
LISTED_BY_SENSOR = "gogobe/listed_at"
DISCOVERED = """
Every file that the portal shows, written into the ledger for ever.

Portals are listed by the feed's sensor, or by this step where a run was asked for by hand. A name stays in
the ledger when the portal forgets it, with what became of it: `gogobe status --feed … --day … --files`.
"""
DOWNLOADED = """
The bytes of every listed file exactly as served, kept under their SHA-256.

A file is fetched once, however often its day is materialized, with as many downloads at once as the portal
bears.
"""
TABLES = {
    Document.STORES: """
Every branch of every chain: name, address, city, kind; from its newest store list.

A price file of a store that no list names makes the store, marked as not listed.
""",
    Document.PRICES: """
What each product costs in each store now, since when, and what it cost before.

A full file replaces what its store sold, a file of changes adds to it; order does not matter. Ask the views
`current_prices`, `cheapest_prices`, `price_changes` and `price_periods`, which have the names.
""",
    Document.PROMOTIONS: """
What each promotion offers, once a chain, and which stores carry it since when.

Grouped, flat and per-item forms of an offer are the same rows. Ask the view `promotions_now`, which has the
names, conditions and the effective price of a unit.
""",
}


@dg.definitions
def assets() -> dg.Definitions:
    """Define the assets before and after `parsed`, all with the same partitions."""
    settings = Settings.read()
    partitions = feed_days(settings)
    tables = [_table(document, description, partitions) for document, description in TABLES.items()]
    return dg.Definitions(described([_discovered(partitions), _downloaded(partitions), *tables], settings))


def _discovered(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=partitions,
        group_name="files",
        owners=OWNERS,
        kinds={"http", "postgres"},
        pool=PORTALS,
        check_specs=[
            dg.AssetCheckSpec(
                "all_names_recognized",
                asset="discovered",
                description="The name of every file says of which chain, kind and moment it is.",
            ),
            dg.AssetCheckSpec(
                "all_days_available",
                asset="discovered",
                description="The portal could be asked for the day, or the ledger has files of it.",
            ),
        ],
        description=DISCOVERED.strip(),
        metadata=register_tables(),
    )
    def discovered(context: dg.AssetExecutionContext, resources: dg.ResourceParam[Resources]) -> Materialized:
        days, started = days_by_feed(context.partition_keys), monotonic()
        if LISTED_BY_SENSOR not in context.run.tags:
            _list_portals(context, resources, days)
        seconds = {"seconds": round(monotonic() - started, 2)}
        files = files_in(resources, days)
        unread = [file for file in files if file.kind is None]
        unknown = days_not_offered(resources, days)
        return Materialized(
            metadata=seconds | about_hours(files) | about(files, unknown),
            check_results=[
                check("all_names_recognized", unread, of=len(files)),
                check_days(unknown),
            ],
        )

    return discovered


def _list_portals(
    context: dg.AssetExecutionContext, resources: Resources, days: Mapping[Feed, list[date]]
) -> None:
    """List each feed's portal; one that does not answer fails the step after the others were listed."""
    from gogobe_dagster.pipeline import discover

    failed: dict[Feed, PortalError] = {}
    for feed, some in days.items():
        try:
            with as_failure(feed.key, but=(PortalError,)):
                seen = discover(feed, some, resources)
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
        check_specs=[
            dg.AssetCheckSpec(
                "all_files_downloaded",
                asset="downloaded",
                description="Every file of the day was fetched, or was set aside for a good reason.",
            )
        ],
        description=DOWNLOADED.strip(),
    )
    def downloaded(context: dg.AssetExecutionContext, resources: dg.ResourceParam[Resources]) -> Materialized:
        from gogobe_dagster.identity import is_expected_quarantine
        from gogobe_dagster.pipeline import Downloads, download

        days, started = days_by_feed(context.partition_keys), monotonic()
        done, tried = list[Downloads](), set[int]()
        for feed, some in days.items():
            with as_failure(feed.key):
                tried |= {file.id for file in resources.ledger.to_download(feed.key, some)}
                done.append(download(feed, some, resources))
        seconds = monotonic() - started
        files = files_in(resources, days)
        # those that were fetched are named when they are read
        lost = [told(file) for file in files if file.id in tried and file.sha256 is None and file.code]
        context.log.info("\n".join([f"{len(tried) - len(lost)} of {len(tried)} files fetched", *lost]))
        unfetched = [file for file in files if file.sha256 is None and not is_expected_quarantine(file)]
        return Materialized(
            metadata=about_downloads(done, seconds) | about(files, days_not_offered(resources, days)),
            check_results=[check("all_files_downloaded", unfetched, of=len(files))],
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
        check_specs=[
            dg.AssetCheckSpec(
                "all_files_loaded",
                asset=document.value,
                description=f"The rows of every file of {document.value} of the day are in the tables.",
            )
        ],
        description=description.strip(),
        metadata={"dagster/column_schema": column_schema(document)},
        # a lost connection or a serialization failure leaves nothing half done
        retry_policy=dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL),
    )
    def table(context: dg.AssetExecutionContext, resources: dg.ResourceParam[Resources]) -> Materialized:
        from gogobe_dagster.identity import is_expected_quarantine
        from gogobe_dagster.pipeline import load

        days = days_by_feed(context.partition_keys)
        reports = []
        for feed, some in days.items():
            with as_failure(feed.key):
                reports.append(load(document, feed, some, resources))
        files = files_in(resources, days, document)
        missing = [
            file for file in files if file.state.value != "loaded" and not is_expected_quarantine(file)
        ]
        return Materialized(
            metadata=about_load(reports)
            | about_table(resources, document)
            | about_trend(resources, document, days)
            | about(files, days_not_offered(resources, days)),
            check_results=[check("all_files_loaded", missing, of=len(files))],
        )

    return table
