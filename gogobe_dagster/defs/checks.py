"""The data quality checks of all feeds, and one check per feed that tells whether its portal responds.

They run on a schedule, in one step, and belong to the asset `feed_health`, which is never materialized: on
the table assets every import would run them. Checks of a single partition are returned by its assets. All
checks only warn and never block: a bad file is quarantined before it reaches the tables, and a load is
atomic.
"""

from collections.abc import Iterator
from dataclasses import asdict

import dagster as dg

from gogobe_dagster.defs.asset_metadata import OWNERS
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.metadata_tables import metadata_table, table_schema
from gogobe_dagster.feeds.registry import FEEDS, Feed
from gogobe_dagster.monitoring.data_quality import CHECKS, Verdict
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.listing_status import LastListing, last_listings

FEED_HEALTH = dg.AssetSpec(
    "feed_health",
    deps=["stores", "prices", "promotions"],
    group_name="monitoring",
    owners=OWNERS,
    kinds={"postgres"},
    description="The imported data of all feeds together; holds the checks that run every hour.",
)
DATA_QUALITY = [
    dg.AssetCheckSpec(name, asset=FEED_HEALTH.key, description=meaning)
    for name, (_, meaning) in CHECKS.items()
]
FINDINGS = "worst findings"
"""Name of the metadata value that holds them."""
FINDING_COLUMNS = table_schema(
    {
        "subject": "Feed, or product and store",
        "observed": "The actual value",
        "expected": "The value that the check expects",
        "feed": "Key of the feed; empty: a problem of products",
    }
)


def portal_check_spec(feed: Feed) -> dg.AssetCheckSpec:
    """Describe the check of a feed's portal."""
    return dg.AssetCheckSpec(
        f"{feed.key}_portal_responds",
        asset=FEED_HEALTH.key,
        description=f"The portal of {feed.name} can be listed; "
        "fails after GOGOBE_ALERT_AFTER_FAILURES failed listings in a row.",
    )


@dg.definitions
def checks() -> dg.Definitions:
    """Define the asset `feed_health`, the data quality checks, and a portal check per feed."""

    @dg.multi_asset_check(
        specs=DATA_QUALITY, can_subset=True, description="Compares the imported data with what is usual."
    )
    def data_quality(
        context: dg.AssetCheckExecutionContext, resources: dg.ResourceParam[Resources]
    ) -> Iterator[dg.AssetCheckResult]:
        now = resources.clock()
        for spec in DATA_QUALITY:
            if spec.key in context.selected_asset_check_keys:
                with as_failure(spec.name):
                    verdict = CHECKS[spec.name][0](resources.engine, resources.settings, now)
                yield data_quality_result(spec, verdict)

    @dg.multi_asset_check(
        specs=[portal_check_spec(feed) for feed in FEEDS],
        can_subset=True,
        description="Whether each portal's last listing succeeded. `alert_monitor` counts failures in a row.",
    )
    def portal_health(
        context: dg.AssetCheckExecutionContext, resources: dg.ResourceParam[Resources]
    ) -> Iterator[dg.AssetCheckResult]:
        with as_failure("portal_health"):
            listings = last_listings(resources.engine)
        for feed in FEEDS:
            is_selected = portal_check_spec(feed).key in context.selected_asset_check_keys
            # of a portal that was never polled nothing is known: it neither passes nor fails
            if is_selected and (last := listings.get(feed.key)):
                yield portal_check_result(feed, last, passed=not last.code)

    return dg.Definitions(assets=[FEED_HEALTH], asset_checks=[data_quality, portal_health])


def data_quality_result(spec: dg.AssetCheckSpec, verdict: Verdict) -> dg.AssetCheckResult:
    """Turn a verdict into a check result with its numbers and a table of its findings."""
    metadata: dict[str, dg.MetadataValue | float] = dict(verdict.numbers)
    if verdict.findings:
        rows = [asdict(finding) for finding in verdict.findings]
        metadata[FINDINGS] = metadata_table(FINDING_COLUMNS, rows)
    return dg.AssetCheckResult(
        check_name=spec.name,
        asset_key=spec.asset_key,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR if verdict.is_severe else dg.AssetCheckSeverity.WARN,
        description=verdict.summary,
        metadata=metadata,
    )


def portal_check_result(
    feed: Feed, last: LastListing | None, *, passed: bool, failures: int | None = None
) -> dg.AssetCheckResult:
    """Return whether a feed's portal responds. `failures`: failed listings in a row, if somebody counted."""
    metadata: dict[str, dg.MetadataValue | float] = {}
    if failures is not None:
        metadata["failed listings in a row"] = failures
    if last and last.code and last.failed_at:
        metadata["last failed listing"] = dg.MetadataValue.timestamp(last.failed_at.timestamp())
    if last and last.listed_at:
        metadata["last successful listing"] = dg.MetadataValue.timestamp(last.listed_at.timestamp())
    spec = portal_check_spec(feed)
    return dg.AssetCheckResult(
        check_name=spec.name,
        asset_key=spec.asset_key,
        passed=passed,
        description=f"{feed.name}: {_listing_outcome(last)}",
        metadata=metadata,
    )


def _listing_outcome(last: LastListing | None) -> str:
    if last is None:
        return "the portal was never listed"
    return f"{last.code}: {last.reason}" if last.code else "the portal responds"
