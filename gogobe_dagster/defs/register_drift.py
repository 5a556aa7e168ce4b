"""The weekly comparison with the official register of portals; `feeds.register_drift` compares."""

import dagster as dg

from gogobe_dagster.defs.comparisons import Compared, Comparison, comparison_definitions
from gogobe_dagster.feeds.registry import DISABLED, FEEDS
from gogobe_dagster.settings import Settings

ASSET = "official_register"
CHECK = "matches_official_register"
JOB = "compare_registers"


@dg.definitions
def register_drift() -> dg.Definitions:
    """Define the asset with its check, the job and the weekly schedule."""
    return comparison_definitions(
        Comparison(
            asset=ASSET,
            description="The page of gov.il that lists each company's portal, compared with our register.",
            official="the official register",
            check=CHECK,
            check_description="Our register has the companies of gov.il's.",
            columns={
                "change": "new, gone or changed",
                "feed": "Key of our feed",
                "company": "Legal name",
                "ours": "Entry in our register",
                "official": "Entry on gov.il",
            },
            job=JOB,
            job_description="Compares the official register on gov.il with ours.",
            schedule=f"{JOB}_weekly",
            cron="0 8 * * 1",
            schedule_description="Mondays at 08:00: are there new, closed or moved chains?",
            compare=_compare,
        )
    )


def _compare() -> Compared:
    from gogobe_dagster.feeds.register_drift import drift
    from gogobe_dagster.portals.gov_register import read_official_register

    page = read_official_register(Settings.read())
    accounts = sum(len(row.accounts) for row in page.rows)
    return {"page updated": page.updated, "companies": len(page.rows), "portals": accounts}, [
        {
            "change": difference.change.value,
            "feed": difference.feed,
            "company": difference.legal_name,
            "ours": difference.ours,
            "official": difference.official,
        }
        for difference in drift(page.rows, FEEDS, DISABLED)
    ]
