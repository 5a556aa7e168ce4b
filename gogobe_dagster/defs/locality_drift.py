"""The monthly comparison with the official list of localities; `localities.official_list` compares."""

import dagster as dg

from gogobe_dagster.defs.comparisons import Compared, Comparison, comparison_definitions
from gogobe_dagster.settings import Settings

ASSET = "official_localities"
CHECK = "matches_official_localities"
JOB = "compare_localities"


@dg.definitions
def locality_drift() -> dg.Definitions:
    """Define the asset with its check, the job and the monthly schedule."""
    return comparison_definitions(
        Comparison(
            asset=ASSET,
            description="The list of localities on data.gov.il, compared with ours, in which stores are.",
            official="the official list of localities",
            check=CHECK,
            check_description="Our table has data.gov.il's localities.",
            columns={
                "change": "new, gone or renamed",
                "code": "Code of the Central Bureau of Statistics",
                "ours": "Name in the table of this program",
                "official": "Name on data.gov.il; of a new locality also its sub-district",
            },
            integers=["code"],
            job=JOB,
            job_description="Compares the official list of localities on data.gov.il with ours.",
            schedule=f"{JOB}_monthly",
            cron="0 9 1 * *",
            schedule_description="On the first at 09:00: are there new or renamed localities?",
            compare=_compare,
        )
    )


def _compare() -> Compared:
    from gogobe_dagster.localities.official_list import differences
    from gogobe_dagster.portals.gov_localities import read_official_localities

    rows = read_official_localities(Settings.read())
    return {"localities": len(rows)}, [
        {
            "change": difference.change.value,
            "code": difference.code,
            "ours": difference.ours,
            "official": difference.official,
        }
        for difference in differences(rows)
    ]
