"""The weekly comparison with the official register: an asset for its page, and a check of the differences.

`feeds.register_drift` compares. Our register is only ever changed by a person, in its source file.
"""

from collections.abc import Sequence

import dagster as dg

from gogobe_dagster.defs.asset_metadata import OWNERS
from gogobe_dagster.defs.automation import schedule_of_job
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.metadata_tables import metadata_table, table_schema
from gogobe_dagster.feeds.official_register import OfficialPage
from gogobe_dagster.feeds.register_drift import Drift, drift
from gogobe_dagster.feeds.registry import DISABLED, FEEDS
from gogobe_dagster.settings import Settings

ASSET = "official_register"
CHECK = "matches_official_register"
JOB = "compare_registers"
MONDAY_MORNING = "0 8 * * 1"
DRIFT_COLUMNS = table_schema(
    {
        "change": "new, gone or changed",
        "feed": "Key of our feed",
        "company": "Legal name",
        "ours": "Entry in our register",
        "official": "Entry on gov.il",
    }
)


@dg.definitions
def register_drift() -> dg.Definitions:
    """Define the asset with its check, the job and the weekly schedule."""
    # a selection as text would load a parser into every step of every run
    selection = dg.AssetSelection.assets(ASSET)
    job = dg.define_asset_job(
        JOB, selection, description="Compares the official register on gov.il with ours."
    )
    weekly = schedule_of_job(
        f"{JOB}_weekly",
        JOB,
        cron=MONDAY_MORNING,
        settings=Settings.read(),
        description="Mondays at 08:00: are there new, closed or moved chains?",
    )
    return dg.Definitions(assets=[_official_register()], jobs=[job], schedules=[weekly])


def _official_register() -> dg.AssetsDefinition:
    @dg.asset(
        name=ASSET,
        group_name="register",
        owners=OWNERS,
        kinds={"http"},
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=ASSET, description="Our register has the companies of gov.il's.")
        ],
        description="The page of gov.il that lists each company's portal, compared with our register.",
        retry_policy=dg.RetryPolicy(max_retries=2, delay=60),
    )
    def official_register() -> dg.MaterializeResult:  # type: ignore[type-arg]  # as Dagster wants it
        from gogobe_dagster.portals.gov_register import read_official_register

        with as_failure("the official register"):
            page = read_official_register(Settings.read())
        differences = drift(page.rows, FEEDS, DISABLED)
        return dg.MaterializeResult(metadata=_page_metadata(page), check_results=[_check(differences)])

    return official_register


def _page_metadata(page: OfficialPage) -> dict[str, str | int]:
    accounts = sum(len(row.accounts) for row in page.rows)
    return {"page updated": page.updated, "companies": len(page.rows), "portals": accounts}


def _check(differences: Sequence[Drift]) -> dg.AssetCheckResult:
    rows = [
        {
            "change": difference.change.value,
            "feed": difference.feed,
            "company": difference.legal_name,
            "ours": difference.ours,
            "official": difference.official,
        }
        for difference in differences
    ]
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"differences": metadata_table(DRIFT_COLUMNS, rows)} if rows else {},
        description=f"{len(rows)} differences" if rows else "no differences",
    )
