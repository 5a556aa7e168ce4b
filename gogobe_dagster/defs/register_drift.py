"""The weekly look at the official register: an asset that holds its page, and a check with what differs.

The comparison is `register.drift`; nothing changes our register but a person with an editor.
"""

from collections.abc import Sequence

import dagster as dg

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.feeds.official_register import OfficialPage
from gogobe_dagster.feeds.register_drift import Drift, drift
from gogobe_dagster.feeds.registry import DISABLED, FEEDS
from gogobe_dagster.settings import Settings

ASSET = "official_register"
CHECK = "matches_official_register"
JOB = "compare_registers"
MONDAY_MORNING = "0 8 * * 1"
DRIFT_COLUMNS = dg.TableSchema(
    [
        dg.TableColumn("change", description="new, gone or changed"),
        dg.TableColumn("feed", description="Key of our feed"),
        dg.TableColumn("company", description="Legal name"),
        dg.TableColumn("ours", description="What our register says"),
        dg.TableColumn("official", description="What gov.il says"),
    ]
)


@dg.definitions
def register_drift() -> dg.Definitions:
    """Define the asset with its check, the job and the weekly schedule."""
    settings = Settings.read()
    # a selection as text would load a parser into every step of every run
    selection = dg.AssetSelection.assets(ASSET)
    job = dg.define_asset_job(JOB, selection, description="Compares gov.il's register with ours.")
    on = dg.DefaultScheduleStatus.RUNNING if settings.sensors_on else dg.DefaultScheduleStatus.STOPPED
    weekly = dg.ScheduleDefinition(
        name=f"{JOB}_weekly",
        job=job,
        cron_schedule=MONDAY_MORNING,
        execution_timezone=ISRAEL.key,
        default_status=on,
        description="Mondays at 8:00: has a chain come, gone or moved?",
    )
    return dg.Definitions(assets=[_official_register()], jobs=[job], schedules=[weekly])


def _official_register() -> dg.AssetsDefinition:
    @dg.asset(
        name=ASSET,
        group_name="register",
        owners=["team:gogobe"],
        kinds={"http"},
        check_specs=[dg.AssetCheckSpec(CHECK, asset=ASSET)],
        description="The page of gov.il that names each company's portal, compared with our register.",
        retry_policy=dg.RetryPolicy(max_retries=2, delay=60),
    )
    def official_register() -> dg.MaterializeResult:  # type: ignore[type-arg]  # as Dagster wants it
        from gogobe_dagster.portals.gov_register import read_official_register

        with as_failure("the official register"):
            page = read_official_register(Settings.read())
        found = drift(page.rows, FEEDS, DISABLED)
        return dg.MaterializeResult(metadata=_about(page), check_results=[_check(found)])

    return official_register


def _about(page: OfficialPage) -> dict[str, str | int]:
    doors = sum(len(row.doors) for row in page.rows)
    return {"page changed on": page.updated, "companies": len(page.rows), "portals": doors}


def _check(found: Sequence[Drift]) -> dg.AssetCheckResult:
    records = [
        dg.TableRecord(
            {
                "change": one.change.value,
                "feed": one.feed,
                "company": one.legal_name,
                "ours": one.ours,
                "official": one.official,
            }
        )
        for one in found
    ]
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"differences": dg.TableMetadataValue(records, DRIFT_COLUMNS)} if found else {},
        description=f"{len(found)} rows differ" if found else "every row is the same",
    )
