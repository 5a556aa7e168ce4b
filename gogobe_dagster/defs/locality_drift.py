"""The monthly comparison with the official list of localities: an asset for the list, a check of differences.

`localities.official_list` compares. Our table is only ever changed by a person, in its source file.
"""

from collections.abc import Sequence

import dagster as dg

from gogobe_dagster.defs.asset_metadata import OWNERS
from gogobe_dagster.defs.automation import schedule_of_job
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.metadata_tables import metadata_table, table_schema
from gogobe_dagster.localities.official_list import Difference, differences
from gogobe_dagster.settings import Settings

ASSET = "official_localities"
CHECK = "matches_official_localities"
JOB = "compare_localities"
FIRST_OF_THE_MONTH = "0 9 1 * *"
COLUMNS = table_schema(
    {
        "change": "new, gone or renamed",
        "code": "Code of the Central Bureau of Statistics",
        "ours": "Name in the table of this program",
        "official": "Name on data.gov.il; of a new locality also its sub-district",
    },
    integers=["code"],
)


@dg.definitions
def locality_drift() -> dg.Definitions:
    """Define the asset with its check, the job and the monthly schedule."""
    selection = dg.AssetSelection.assets(ASSET)
    job = dg.define_asset_job(
        JOB, selection, description="Compares the official list of localities on data.gov.il with ours."
    )
    monthly = schedule_of_job(
        f"{JOB}_monthly",
        JOB,
        cron=FIRST_OF_THE_MONTH,
        settings=Settings.read(),
        description="On the first at 09:00: are there new or renamed localities?",
    )
    return dg.Definitions(assets=[_official_localities()], jobs=[job], schedules=[monthly])


def _official_localities() -> dg.AssetsDefinition:
    @dg.asset(
        name=ASSET,
        group_name="register",
        owners=OWNERS,
        kinds={"http"},
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=ASSET, description="Our table has data.gov.il's localities.")
        ],
        description="The list of localities on data.gov.il, compared with ours, which says where stores are.",
        retry_policy=dg.RetryPolicy(max_retries=2, delay=60),
    )
    def official_localities() -> dg.MaterializeResult:  # type: ignore[type-arg]  # as Dagster wants it
        from gogobe_dagster.portals.gov_localities import read_official_localities

        with as_failure("the official list of localities"):
            rows = read_official_localities(Settings.read())
        return dg.MaterializeResult(
            metadata={"localities": len(rows)}, check_results=[_check(differences(rows))]
        )

    return official_localities


def _check(found: Sequence[Difference]) -> dg.AssetCheckResult:
    rows = [
        {
            "change": difference.change.value,
            "code": difference.code,
            "ours": difference.ours,
            "official": difference.official,
        }
        for difference in found
    ]
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"differences": metadata_table(COLUMNS, rows)} if rows else {},
        description=f"{len(rows)} differences" if rows else "no differences",
    )
