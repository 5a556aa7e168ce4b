"""The pages about all feeds, `fleet` and the daily report, as Dagster makes them from a ledger."""

from base64 import b64decode
from datetime import datetime, time, timedelta
from pathlib import Path

import dagster as dg
import pytest

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.definitions import build_definitions
from gogobe_dagster.defs.checks import portal_check_spec
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import FEEDS, find_feed
from gogobe_dagster_tests.import_env import ImportEnv, yesterday
from gogobe_dagster_tests.monitoring.test_data_quality import load, quarantine

pytestmark = pytest.mark.slow


def made(definitions: dg.Definitions, job: str) -> dict[str, dg.MetadataValue]:
    """Run a job for yesterday; return the metadata of what it materialized."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=instance, partition_key=yesterday().isoformat()
        )
        (event,) = result.get_asset_materialization_events()
        return dict(event.materialization.metadata)


def rows(value: dg.MetadataValue) -> list[dict[str, object]]:
    assert isinstance(value, dg.TableMetadataValue)
    return [dict(row.data) for row in value.records]


def test_the_pages_show_every_feed_with_its_numbers_pictures_and_links(import_env: ImportEnv) -> None:
    load(import_env.resources.engine, yesterday(), stores=3, rows=900)
    quarantine(import_env.resources.engine, "rami_levy", Code.ZERO_BYTE, files=2, name="empty")
    definitions = build_definitions({"resources": import_env.resources})

    fleet = made(definitions, "report_fleet")
    report = made(definitions, "report_day")

    (keshet,) = [row for row in rows(fleet["feeds"]) if row["feed"] == "keshet"]
    assert keshet["chain"] == find_feed("keshet").hebrew_name
    assert str(keshet["14 days"]) == "·" * 13 + "■"
    assert (keshet["prices"], keshet["stores"], keshet["files"]) == (2700, "3 of 3", 3)
    assert (fleet["prices of keshet"].value, fleet["prices of rami_levy"].value) == (2700, 0)
    assert "of a past day" in str(fleet["problems now"].value)
    markdown = str(fleet["14 days"].value)
    svg = b64decode(markdown.partition("base64,")[2].partition(")")[0]).decode()
    assert "Keshet Teamim" in svg
    links = str(fleet["links"].value)
    assert f"/assets/downloaded?view=partitions&partition=keshet%7C{yesterday()}" in links
    assert find_feed("keshet").base_url in links
    assert "(/overview/activity/timeline?groupBy=automation)" in links
    page = Path(str(report["file"].value))
    assert page == import_env.settings.folder / "reports" / f"{yesterday()}.html"
    assert "Keshet Teamim" in page.read_text()
    assert f"(/reports/{yesterday()}.html)" in str(report["page"].value)
    assert (report["feeds with prices"].value, report["prices"].value) == (1, 2700)


def test_a_portal_that_was_never_polled_neither_passes_nor_fails(import_env: ImportEnv) -> None:
    ledger = import_env.resources.ledger
    ledger.record("keshet", [], now=import_env.resources.clock())
    ledger.record_failure("rami_levy", PortalError(Code.DNS_DEAD, "gone"), now=import_env.resources.clock())
    definitions = build_definitions({"resources": import_env.resources})
    keys = [portal_check_spec(feed).key for feed in FEEDS]
    job = dg.define_asset_job("only_portals", selection=dg.AssetSelection.checks(*keys))
    whole = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))

    with dg.DagsterInstance.ephemeral() as instance:
        result = whole.resolve_job_def("only_portals").execute_in_process(instance=instance)

    evaluated = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert evaluated == {"keshet_portal_responds": True, "rami_levy_portal_responds": False}


def test_the_schedules_make_the_page_of_today_every_hour_and_the_report_of_yesterday() -> None:
    definitions = build_definitions()
    at = datetime.combine(yesterday(), time(0, 20), ISRAEL)

    def requested(name: str) -> list[str | None]:
        repository = definitions.get_repository_def()
        schedule = definitions.resolve_schedule_def(name)
        with dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository) as context:
            return [run.partition_key for run in schedule.evaluate_tick(context).run_requests or []]

    assert requested("report_fleet_hourly") == [str(yesterday())]
    assert requested("report_day_daily") == [str(yesterday() - timedelta(days=1))]
