"""The data quality checks of all feeds, and one check per feed that tells whether its portal responds.

They run on a schedule, in one step, and belong to the asset `feed_health`, which is never materialized: on
the table assets every import would run them. Checks of a single partition are returned by its assets. All
checks only warn and never block: a bad file is quarantined before it reaches the tables, and a load is
atomic.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from gogobe_dagster.defs.assets import OWNERS
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.feeds.registry import FEEDS, Feed
from gogobe_dagster.monitoring.data_quality import CHECKS, Finding, Verdict
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.listing_status import LastListing, last_listings

FEED_HEALTH = dg.AssetSpec(
    "feed_health",
    deps=["stores", "prices", "promotions"],
    group_name="monitoring",
    owners=OWNERS,
    kinds={"postgres"},
    description="All feeds together, as people find them in the tables; checked by the clock.",
)
DATA_QUALITY = [
    dg.AssetCheckSpec(name, asset=FEED_HEALTH.key, description=meaning)
    for name, (_, meaning) in CHECKS.items()
]
WORST_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("subject", "string", description="Feed, or product and store"),
        dg.TableColumn("seen", "string", description="What there is"),
        dg.TableColumn("expected", "string", description="What there should be"),
    ]
)


def answers(feed: Feed) -> dg.AssetCheckSpec:
    """Name the health check of a feed: red after so many failed looks in a row."""
    words = f"The portal of {feed.name} can be listed; red after GOGOBE_ALERT_AFTER failed looks in a row."
    return dg.AssetCheckSpec(f"{feed.key}_portal_responds", asset=FEED_HEALTH.key, description=words)


@dg.definitions
def checks() -> dg.Definitions:
    """Define the asset `feed_health`, the data quality checks, and a portal check per feed."""

    @dg.multi_asset_check(
        specs=DATA_QUALITY, can_subset=True, description="Compares what was imported with what is usual."
    )
    def data_quality(
        context: dg.AssetCheckExecutionContext, resources: dg.ResourceParam[Resources]
    ) -> Iterator[dg.AssetCheckResult]:
        now = resources.clock()
        for spec in DATA_QUALITY:
            if spec.key in context.selected_asset_check_keys:
                with as_failure(spec.name):
                    verdict = CHECKS[spec.name][0](resources.engine, resources.settings, now)
                yield result(spec, verdict)

    @dg.multi_asset_check(
        specs=[answers(feed) for feed in FEEDS],
        can_subset=True,
        description="Whether each portal's last listing succeeded. `alert_monitor` counts failures in a row.",
    )
    def portal_health(
        context: dg.AssetCheckExecutionContext, resources: dg.ResourceParam[Resources]
    ) -> Iterator[dg.AssetCheckResult]:
        with as_failure("portal_health"):
            listings = last_listings(resources.engine)
        for feed in FEEDS:
            if answers(feed).key in context.selected_asset_check_keys:
                last = listings.get(feed.key)
                failures = int(bool(last and last.code))
                yield health(feed, last, failures=failures, passed=not failures)

    return dg.Definitions(assets=[FEED_HEALTH], asset_checks=[data_quality, portal_health])


def result(spec: dg.AssetCheckSpec, verdict: Verdict) -> dg.AssetCheckResult:
    """Turn a verdict into what Dagster shows: numbers of both sides, and a table of the worst."""
    metadata: dict[str, dg.MetadataValue | float] = dict(verdict.numbers)
    if verdict.worst:
        metadata["the worst"] = _table(verdict.worst)
    return dg.AssetCheckResult(
        check_name=spec.name,
        asset_key=spec.asset_key,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR if verdict.is_severe else dg.AssetCheckSeverity.WARN,
        description=verdict.words,
        metadata=metadata,
    )


def health(feed: Feed, last: LastListing | None, *, failures: int, passed: bool) -> dg.AssetCheckResult:
    """Say whether a feed's portal answers, and since when not."""
    words = f"{feed.name}: "
    if last is None:
        words += "its portal was never looked at"
    elif last.code:
        words += f"{last.code}: {last.reason}"
    else:
        words += "its portal answers"
    metadata: dict[str, dg.MetadataValue | float] = {"failed looks in a row": failures}
    if last and last.listed_at:
        metadata["last list"] = dg.MetadataValue.timestamp(last.listed_at.timestamp())
    spec = answers(feed)
    return dg.AssetCheckResult(
        check_name=spec.name, asset_key=spec.asset_key, passed=passed, description=words, metadata=metadata
    )


def _table(worst: Sequence[Finding]) -> dg.TableMetadataValue:
    records = [
        dg.TableRecord({"subject": one.subject, "seen": one.seen, "expected": one.expected}) for one in worst
    ]
    return dg.TableMetadataValue(records, WORST_COLUMNS)
