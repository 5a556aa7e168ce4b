"""`gogobe backfill`: requests a backfill of feeds and days from the running Dagster."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import click
import requests
from rich.console import Console
from rich.progress import Progress

from gogobe_dagster import clock
from gogobe_dagster.commands.options import Day, FeedCommand, feed_option, selected_feeds
from gogobe_dagster.commands.selection_options import selection_options
from gogobe_dagster.dagster_runtime.environment import process_environment
from gogobe_dagster.errors import GogobeError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.selection import FileSelection
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.portals.http_client import DirectToLoopback
from gogobe_dagster.settings import Settings

ASSETS = ("discovered", "downloaded", "parsed", "stores", "prices", "promotions")
ENDED = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
POLL_SECONDS = 1.0
NO_PARTITIONS = "PartitionKeysNotFoundError"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
TAGS = {"gogobe/reason": "gogobe backfill", "dagster/retry_strategy": "ALL_STEPS"}
"""The retry strategy repeats the job's tag: Dagster does not use it for backfills of assets."""

LAUNCH = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""
STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill {
      status
      runs(limit: 10000) { status }
    }
    ... on PythonError { message }
    ... on BackfillNotFoundError { message }
  }
}
"""


EPILOG = """\b
Example:
  gogobe backfill --feed rami_levy --feed keshet --from 2026-11-20 --to 2026-11-23 --wait
"""


@click.command(cls=FeedCommand, epilog=EPILOG)
@feed_option
@click.option(
    "--from", "first", type=Day(), default="today", show_default=True, help="First publication day."
)
@click.option("--to", "last", type=Day(), default="today", show_default=True, help="Last publication day.")
@click.option(
    "--url", default="http://127.0.0.1:3000", show_default=True, help="Address of the web UI of `gogobe up`."
)
@selection_options
@click.option("--wait", is_flag=True, help="Wait until all runs have ended; exit code 1 if one failed.")
def backfill(
    feeds: tuple[Feed, ...], first: date, last: date, url: str, *, wait: bool, selection: FileSelection
) -> None:
    """Queue import runs for feeds and days.

    Queues one run for each selected feed and each day from --from to --to. The running Dagster executes
    them, never two of one feed at once; the web UI lists them under Runs > Backfills. Files that are
    loaded already are not imported again. Without --feed, all feeds are selected. --kind, --store, --name,
    --newest and --limit restrict the runs to some files of each feed and day; the others stay pending.
    """
    if last < first:
        raise click.UsageError(f"--to {last} is before --from {first}")
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url {url}: must begin with http://, such as http://127.0.0.1:3000")
    partitions = [f"{feed.key}|{day}" for feed in selected_feeds(feeds) for day in _days(first, last)]
    dagster = DagsterClient(url)
    if urlsplit(url).hostname in LOOPBACK:
        free_what_dead_imports_hold()
    backfill_id = dagster.launch(partitions, run_config=_run_config(selected_feeds(feeds), selection))
    click.echo(f"backfill {backfill_id}: {len(partitions)} runs queued; {url}/runs/b/{backfill_id}")
    if first < clock.day_of(clock.now()):
        _warn_about_past_days(selected_feeds(feeds))
    if wait:
        try:
            _wait(dagster, backfill_id, runs=len(partitions))
        except KeyboardInterrupt:
            raise GogobeError(
                f"no longer waiting; the runs go on in the background: {url}/runs/b/{backfill_id} shows them "
                "and can cancel them, and `gogobe status` what was imported"
            ) from None


def free_what_dead_imports_hold() -> None:
    """Free the pool slots of killed imports, for which the runs would wait; not without a database.

    The running Dagster knows only of the runs that it started itself.
    """
    command = [sys.executable, "-m", "gogobe_dagster.dagster_runtime.orphaned_runs", "--imports"]
    environment = os.environ | process_environment(Settings.read())
    subprocess.run(
        command, env=environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _run_config(feeds: Sequence[Feed], selection: FileSelection) -> dict[str, Any]:
    """Run steps in the run's process if there are enough feeds to keep all cores busy with runs."""
    from gogobe_dagster.defs.jobs import IN_PROCESS
    from gogobe_dagster.defs.selection import selection_config

    is_many = len(feeds) >= Settings.read().max_concurrent_runs
    return (IN_PROCESS if is_many else {}) | selection_config(selection)


def _warn_about_past_days(feeds: Sequence[Feed]) -> None:
    """Warn about portals that list no past days: those runs will succeed without files."""
    settings, today_only = Settings.read(), list[str]()
    for feed in feeds:
        with closing(open_portal(feed, settings)) as portal:
            today_only += [] if portal.offers_past_days else [feed.key]
    if today_only:
        message = "only files that the portal still lists are imported for past days (past_day_not_offered)"
        click.echo(f"{', '.join(today_only)}: {message}", err=True)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


class DagsterClient:
    """The GraphQL endpoint of a running web server."""

    def __init__(self, url: str) -> None:
        """Take the address of the web UI."""
        self._url = url.rstrip("/")

    def launch(self, partitions: list[str], *, run_config: Mapping[str, Any]) -> str:
        """Request a backfill of these partitions; return its id."""
        params = {
            "assetSelection": [{"path": [asset]} for asset in ASSETS],
            "partitionNames": partitions,
            "runConfigData": run_config,
            "tags": [{"key": name, "value": value} for name, value in TAGS.items()],
            "title": "gogobe backfill",
        }
        answer = self._query(LAUNCH, {"params": params})
        if answer["__typename"] == NO_PARTITIONS:
            first = min(partition.partition("|")[2] for partition in partitions)
            raise GogobeError(
                "the running Dagster has no partitions of some of these days: set "
                f"GOGOBE_FIRST_DAY={first} and start `gogobe up` again"
            )
        return str(answer["backfillId"])

    def status(self, backfill_id: str) -> tuple[str, list[str]]:
        """Return the status of the backfill and those of its runs."""
        backfill = self._query(STATUS, {"id": backfill_id})
        return backfill["status"], [run["status"] for run in backfill["runs"]]

    def _query(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        request = {"query": query, "variables": variables}
        try:
            with DirectToLoopback() as session:
                response = session.post(f"{self._url}/graphql", json=request, timeout=60).json()
        except requests.RequestException:
            raise GogobeError(f"no Dagster is running at {self._url}; start it with `gogobe up`") from None
        result: dict[str, Any] = next(iter((response.get("data") or {"errors": response}).values()))
        if "message" in result or "errors" in response:
            raise GogobeError(f"Dagster rejected the request: {result.get('message') or response['errors']}")
        return result


def _wait(dagster: DagsterClient, backfill_id: str, *, runs: int) -> None:
    status, states = "REQUESTED", list[str]()
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("runs", total=runs)
        for status, states in _statuses(dagster, backfill_id):  # noqa: B007 - the last one is used below
            progress.update(
                bar, completed=sum(state in {"SUCCESS", "FAILURE", "CANCELED"} for state in states)
            )
    succeeded = states.count("SUCCESS")
    click.echo(f"{succeeded} of {runs} runs succeeded, backfill {status.lower().replace('_', ' ')}")
    if succeeded < runs:
        raise SystemExit(1)


def _statuses(dagster: DagsterClient, backfill_id: str) -> Iterator[tuple[str, list[str]]]:
    while True:
        status, states = dagster.status(backfill_id)
        yield status, states
        if status in ENDED:
            return
        time.sleep(POLL_SECONDS)
