"""The real daemon and web server: sensors and backfills. The web UI in a browser is in `test_web_ui`."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from gogobe_dagster.commands.backfill import LAUNCH
from gogobe_dagster.feeds import find_feed
from gogobe_dagster.replica.generator.truth import published_prices
from gogobe_dagster_tests.dagster_up import ask, gogobe_up, switch_on, wait_until
from gogobe_dagster_tests.receiver import receiver
from gogobe_dagster_tests.stage import MIDNIGHT, YESTERDAY, Stage

RUNS = "{ runsOrError { ... on Runs { results { status tags { key value } } } } }"


def statuses(url: str) -> list[str]:
    return [run["status"] for run in ask(url, RUNS)["runsOrError"]["results"]]


def number_of_prices(stage: Stage) -> int:
    (row,) = stage.query("select count(*) from price_current")
    return int(row[0])


def telling(stage: Stage, alert_url: str) -> Stage:
    changes = {"alert_url": alert_url, "alert_after": 1}
    return replace(stage, settings=stage.settings.model_copy(update=changes))


def red_checks(stage: Stage) -> list[str]:
    """The health checks of feeds whose last evaluation failed."""
    query = """select check_name from asset_check_executions
        where check_name like '%_answers' and execution_status = 'FAILED'"""
    with psycopg.connect(stage.settings.dagster_database_url) as connection:
        return [str(name) for (name,) in connection.execute(query).fetchall()]


def steps_shared_a_process(stage: Stage) -> bool:
    """Whether every run's log says so; the other executor's log speaks of a parent process."""
    query = """select bool_and(text like '%Executing steps in process%') from
        (select string_agg(event, ' ') as text
        from event_logs join runs using (run_id) group by run_id) as of_a_run"""
    with psycopg.connect(stage.settings.dagster_database_url.replace("+psycopg2", "")) as connection:
        row = connection.execute(query).fetchone()
    return bool(row and row[0])


@pytest.mark.timeout(500)
def test_a_new_file_on_the_portal_reaches_the_tables_without_a_hand(on_stage: Stage) -> None:
    """Sensor, daemon, run queue, run worker, steps: all real. A failing portal leaves the other alone."""
    on_stage.replica.faults.switch_on("portal_down", feed="osher_ad")
    told = "gogobe: 1 new problems", f"gogobe: osher_ad|{YESTERDAY} failed"
    with receiver() as inbox, gogobe_up(telling(on_stage, inbox.url)) as url:
        switch_on(url, "osher_ad_files")
        switch_on(url, "keshet_files")
        market = on_stage.publish("keshet")
        truth = published_prices(market, find_feed("keshet"), now=MIDNIGHT, first_day=YESTERDAY)
        wait_until(lambda: number_of_prices(on_stage) == len(truth), seconds=180, what="prices in the tables")
        wait_until(lambda: "SUCCESS" in statuses(url), seconds=60, what="a successful run")
        assert statuses(url) == ["SUCCESS"], "many ticks, one run"
        assert steps_shared_a_process(on_stage), "a run of few files has no processes for its steps"
        one_cell = ("--feed", "osher_ad", "--from", "yesterday", "--to", "yesterday")
        on_stage.run("gogobe", "backfill", *one_cell, "--url", url)
        wait_until(lambda: set(inbox.titles) >= set(told), seconds=120, what="both alerts")
        assert sorted(inbox.titles) == sorted(told), "each once"
        assert red_checks(on_stage) == ["osher_ad_answers"]
    codes = {row.feed: row.listing_code for row in on_stage.equipment.ledger.fleet()}
    assert codes["osher_ad"] == "http_error"


CANCEL = """
mutation Cancel($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }
"""
BACKFILL = """
query Look($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status runs(limit: 100) { status tags { key value } } }
  }
}
"""


@pytest.mark.timeout(500)
def test_three_feeds_by_four_days_in_graphql_are_a_run_a_cell_and_can_be_cancelled(on_stage: Stage) -> None:
    on_stage.publish("keshet", "king_store", "rami_levy")
    with gogobe_up(on_stage) as url:
        queue_and_cancel(url)


def queue_and_cancel(url: str) -> None:
    days = [str(YESTERDAY - timedelta(days=number)) for number in range(4)]
    cells = [f"{feed}|{day}" for feed in ("keshet", "king_store", "rami_levy") for day in days]
    assets = [{"path": [name]} for name in ("discovered", "downloaded", "parsed", "stores", "prices")]
    params = {"assetSelection": assets, "partitionNames": cells}
    backfill = ask(url, LAUNCH, params=params)["launchPartitionBackfill"]["backfillId"]

    def look() -> dict[str, Any]:
        found: dict[str, Any] = ask(url, BACKFILL, id=backfill)["partitionBackfillOrError"]
        return found

    wait_until(lambda: len(look()["runs"]) == len(cells), seconds=90, what="a run for every cell")
    tags = [{tag["key"]: tag["value"] for tag in run["tags"]} for run in look()["runs"]]
    assert sorted(one["dagster/partition"] for one in tags) == sorted(cells)
    ask(url, CANCEL, id=backfill)
    wait_until(lambda: look()["status"] == "CANCELED", seconds=120, what="the end of the backfill")
    assert {run["status"] for run in look()["runs"]} <= {"CANCELED", "SUCCESS"}


@pytest.mark.timeout(500)
def test_a_rectangle_of_feeds_and_days_is_backfilled_from_the_command_line(on_stage: Stage) -> None:
    on_stage.publish("keshet", "king_store")
    with gogobe_up(on_stage) as url:
        rectangle = ["--feed", "keshet", "--feed", "king_store", "--from", "yesterday", "--to", "today"]

        said = on_stage.run("gogobe", "backfill", *rectangle, "--url", url, "--wait")

        assert "4 of 4 runs succeeded" in said.stdout
    loaded = on_stage.query(
        "select feed, count(*) from file where state = 'loaded' group by feed order by feed"
    )
    assert [feed for feed, _ in loaded] == ["keshet", "king_store"]
