"""Rectangles of three feeds by four days, through the real queue: to their end, cancelled, taken up again."""

import os
import re
import signal
import subprocess
from contextlib import AbstractContextManager, suppress
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from gogobe_dagster.commands.backfill import ASSETS, LAUNCH
from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.replica.generator.ground_truth import published_prices
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster_tests.dagster_services import ask, served_as_documented
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow

BY_GRAPHQL = ("keshet", "king_store", "osher_ad")
BY_COMMAND = ("good_pharm", "super_pharm", "dabbah")
CANCEL = """
mutation Cancel($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }
"""
LOOK = """
query Look($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status runs(limit: 100) { status tags { key value } } }
  }
}
"""
LOADED_TWICE = "select file_id from file_event where state = 'loaded' group by file_id having count(*) > 1"
WITHOUT_A_FILE = """
select store_key from price_current p where not exists (
    select from file f join store s using (chain_id, store_id)
    where s.store_key = p.store_key and f.state = 'loaded')
"""
AT_WORK = """
select event from event_logs join runs using (run_id)
where status = 'STARTED' and event like '%Executing steps in process%'
"""
RUN_AGAIN_WHOLE = """
select distinct run_id from run_tags where key = 'dagster/retry_strategy' and value = 'ALL_STEPS'
"""
SLOTS = "select count(*) from pending_steps where assigned_timestamp is not null"


def days() -> list[date]:
    return [yesterday() - timedelta(days=number) for number in (3, 2, 1, 0)]


@pytest.mark.timeout(3600)
def test_three_feeds_by_four_days_by_graphql_and_by_command_end_in_the_tables(import_env: ImportEnv) -> None:
    """The one by GraphQL is cancelled in the middle and asked for again; of the other a run is killed."""
    market = import_env.publish(*BY_GRAPHQL, *BY_COMMAND, stores=1, items=30, first_day=days()[0])
    wait = partial(wait_for_progress, progress=import_env.progress)
    with served_as_documented(import_env, "dagster-webserver", "dagster-daemon run") as url:
        first = launch_backfill(url)
        with backfill_by_command(import_env, url) as command:
            wait(lambda: is_in_the_middle(url, first), what="a run done and one at work")
            ask(url, CANCEL, id=first)
            again = launch_backfill(url)
            wait(
                lambda: backfill_status(url, first)["status"] == "CANCELED",
                what="the cancelled backfill's end",
            )
            nothing_is_half_done(import_env)
            wait(lambda: kill_a_run(import_env), what="a run at work")
            wait(
                lambda: backfill_status(url, again)["status"].startswith("COMPLETED"),
                what="the second backfill's end",
            )
            wait(lambda: command.poll() is not None, what="the command's end")
            printed, _ = command.communicate()
            wait(lambda: import_env.query_dagster(SLOTS) == [(0,)], what="the slots of the killed run")
        cancelled, runs = (backfill_status(url, backfill)["runs"] for backfill in (first, again))
    assert {run["status"] for run in cancelled} == {"SUCCESS", "CANCELED"}
    # whichever run was killed was replaced by another
    assert {run["status"] for run in runs} <= {"SUCCESS", "FAILURE"}
    succeeded = [cell_of(run) for run in runs if run["status"] == "SUCCESS"]
    assert sorted(succeeded) == sorted(partitions(BY_GRAPHQL))
    assert "12 of 12 runs succeeded, backfill completed success" in printed
    nothing_is_half_done(import_env)
    everything_is_in_the_tables(import_env, market)


def kill_a_run(env: ImportEnv) -> bool:
    """Kill one, if any is at work, as the kernel does when memory runs out: the daemon starts it again."""
    for (event,) in env.query_dagster(AT_WORK):
        with suppress(ProcessLookupError):  # its work was done meanwhile
            os.kill(int(re.findall(r"process \(pid: (\d+)\)", event)[0]), signal.SIGKILL)
            return True
    return False


def partitions(feed_keys: tuple[str, ...]) -> list[str]:
    return [f"{feed}|{day}" for feed in feed_keys for day in days()]


def launch_backfill(url: str) -> str:
    """Ask as the web UI's dialog does; with the run configuration of its launchpad."""
    assets = [{"path": [name]} for name in ASSETS]
    params = {
        "assetSelection": assets,
        "partitionNames": partitions(BY_GRAPHQL),
        "runConfigData": IN_PROCESS,
    }
    return str(ask(url, LAUNCH, params=params)["launchPartitionBackfill"]["backfillId"])


def backfill_by_command(env: ImportEnv, url: str) -> AbstractContextManager[subprocess.Popen[str]]:
    feeds = [argument for feed in BY_COMMAND for argument in ("--feed", feed)]
    rectangle = (*feeds, "--from", str(days()[0]), "--to", str(days()[-1]))
    return env.started("gogobe", "backfill", *rectangle, "--url", url, "--wait")


def backfill_status(url: str, backfill_id: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(url, LOOK, id=backfill_id)["partitionBackfillOrError"]
    return found


def is_in_the_middle(url: str, backfill_id: str) -> bool:
    return {run["status"] for run in backfill_status(url, backfill_id)["runs"]} >= {
        "SUCCESS",
        "STARTED",
        "QUEUED",
    }


def cell_of(run: dict[str, Any]) -> str:
    (partition,) = (tag["value"] for tag in run["tags"] if tag["key"] == "dagster/partition")
    return str(partition)


def nothing_is_half_done(env: ImportEnv) -> None:
    """Whatever was stopped: rows and the word of the ledger came together, each file once."""
    assert env.query(LOADED_TWICE) == []
    assert env.query(WITHOUT_A_FILE) == []


def everything_is_in_the_tables(env: ImportEnv, market: SyntheticMarket) -> None:
    for key in BY_GRAPHQL + BY_COMMAND:
        feed = find_feed(key)
        truth = published_prices(market, feed, now=midnight(), first_day=days()[0])
        assert env.prices(key) == {tuple(key): priced.price for key, priced in truth.items()}
        states = {state for day in days() for state in env.states(key, day).values()}
        assert states == {"loaded"}
    whole = env.query_dagster(RUN_AGAIN_WHOLE)
    assert len(whole) >= len(partitions(BY_COMMAND)), (
        "Dagster leaves the job's own tags out of backfills of assets"
    )
