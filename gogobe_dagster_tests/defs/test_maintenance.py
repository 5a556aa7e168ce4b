"""What runs by the clock, on a real instance: nothing that anybody needs is removed."""

import json
from collections import Counter
from datetime import datetime, time, timedelta

import dagster as dg
import pytest

from gogobe_dagster import clock
from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.definitions import build_definitions
from gogobe_dagster.defs.checks import DATA_QUALITY
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.pipeline import discover
from gogobe_dagster.postgres.dagster_retention import purge
from gogobe_dagster.postgres.server import dagster_url
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

pytestmark = pytest.mark.slow

EVENTS = "select coalesce(dagster_event_type, '') as type, count(*) from event_logs group by 1"
NEEDED = {"ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION", "PIPELINE_START", "PIPELINE_FAILURE"}


def events(env: ImportEnv) -> dict[str, int]:
    return {str(name): int(number) for name, number in env.query_dagster(EVENTS)}


def numbers_of(env: ImportEnv) -> dict[str, set[str]]:
    """The metadata of each materialization, by asset."""
    query = "select event from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
    rows = env.query_dagster(query)
    events = [
        json.loads(event)["dagster_event"]["event_specific_data"]["materialization"] for (event,) in rows
    ]
    return {
        event["asset_key"]["path"][0]: {entry["label"] for entry in event["metadata_entries"]}
        for event in events
    }


def lines_of_the_log(env: ImportEnv) -> list[str]:
    """The log lines of the steps."""
    query = "select event from event_logs where dagster_event_type is null"
    rows = env.query_dagster(query)
    return [line for (event,) in rows for line in json.loads(event)["user_message"].splitlines()]


@pytest.mark.timeout(1800)
def test_old_step_logs_go_and_what_was_materialized_stays(import_env: ImportEnv) -> None:
    import_env.publish("keshet")
    import_env.replica.faults.switch_on("missing_file", names="PromoFull*")
    import_env.import_partitions(f"keshet|{yesterday()}")
    before, folder = events(import_env), import_env.settings.folder / "dagster"
    assert before["ASSET_MATERIALIZATION"] == 6, "also of steps that failed because files are missing"
    numbers = numbers_of(import_env)
    assert numbers["discovered"] >= {"files", "files published per hour", "seconds"}
    assert numbers["downloaded"] >= {"files", "files downloaded in this run", "bytes per second", "seconds"}
    assert numbers["parsed"] >= {"files", "batches", "rows rejected", "bytes", "all files", "rows per second"}
    assert numbers["prices"] >= {
        "files",
        "dagster/row_count",
        "dagster/partition_row_count",
        "rows per second",
    }
    assert numbers["prices"] >= {"rows per day, last 14 days", "rows changed", "seconds"}
    named, files = (
        Counter(line.split(": ")[0] for line in lines_of_the_log(import_env)),
        import_env.states("keshet"),
    )
    assert {name: named[name] for name in files} == dict.fromkeys(files, 1), "each file once"
    url, now = dagster_url(import_env.settings), clock.now()

    early = purge(url, folder, keep_days=14, now=now + timedelta(days=13))
    late = purge(url, folder, keep_days=14, now=now + timedelta(days=15))
    again = purge(url, folder, keep_days=14, now=now + timedelta(days=15))

    after = events(import_env)
    assert early.events == again.events == 0
    assert (late.runs, late.events) == (1, sum(before.values()) - sum(after.values()))
    assert late.event_bytes > 50_000
    assert late.folders >= 1
    assert before.keys() >= NEEDED
    assert {name: after.get(name) for name in NEEDED} == {name: before[name] for name in NEEDED}
    assert "STEP_START" in before.keys() - after.keys()
    assert not list((folder / "storage").glob("*-*"))


def test_the_night_and_the_checks_run_with_dagsters_own_command(import_env: ImportEnv) -> None:
    execute = ("dagster", "job", "execute", "-m", "gogobe_dagster.definitions", "-j")
    for job in ("maintenance", "check_data_quality"):
        assert "RUN_SUCCESS" in import_env.run(*execute, job).stderr

    limits = import_env.query_dagster('select concurrency_key, "limit" from concurrency_limits')
    checks = import_env.query_dagster("select count(*) from asset_check_executions")
    month = f"price_past_{clock.now():%Y_%m}"
    assert dict(limits) == {"portals": 4, "warehouse": 2}
    assert checks == [(len(DATA_QUALITY),)]
    assert import_env.query("select count(*) from pg_class where relname = %s", [month]) == [(1,)]


def test_the_last_sweep_is_of_portals_that_forget_the_day_or_had_nothing_and_were_ever_looked_at(
    import_env: ImportEnv,
) -> None:
    """Bina can be asked for past days, Cerberus cannot; of King Store nothing has come today."""
    at = datetime.combine(yesterday(), time(23, 30), ISRAEL)
    import_env.publish("good_pharm", stores=1, items=30)
    discover(find_feed("good_pharm"), [yesterday()], import_env.resources)
    for feed in ("keshet", "king_store"):
        import_env.resources.ledger.record(feed, [], now=at)
    definitions = build_definitions({"resources": import_env.resources})
    schedule = definitions.resolve_schedule_def("final_poll")
    context = dg.build_schedule_context(
        scheduled_execution_time=at,
        resources={"resources": import_env.resources},
        repository_def=definitions.get_repository_def(),
    )

    with context:
        found = schedule.evaluate_tick(context)

    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 23 * * *", "Asia/Jerusalem")
    assert [(run.partition_key, run.run_key) for run in found.run_requests or []] == [
        (f"{feed}|{yesterday()}", f"{feed}|{yesterday()}|final poll") for feed in ("keshet", "king_store")
    ]
