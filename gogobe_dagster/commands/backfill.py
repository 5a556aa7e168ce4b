"""`gogobe backfill`: ask the running Dagster for any rectangle of feeds by days."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import click
import requests
from rich.console import Console
from rich.progress import Progress

from gogobe_dagster import clock
from gogobe_dagster.commands.options import Day, OfFeeds, chosen, feed_option
from gogobe_dagster.errors import GogobeError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.portals.http_client import DirectToLoopback
from gogobe_dagster.settings import Settings

ASSETS = ("discovered", "downloaded", "parsed", "stores", "prices", "promotions")
ENDED = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
LOOK_SECONDS = 1.0
TAGS = {"gogobe/reason": "gogobe backfill", "dagster/retry_strategy": "ALL_STEPS"}
"""The second is one of the job's, which Dagster leaves out where assets are backfilled."""

LAUNCH = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on PartitionKeysNotFoundError { message }
    ... on UnauthorizedError { message }
  }
}
"""
LOOK = """
query Look($id: String!) {
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


@click.command(cls=OfFeeds, epilog=EPILOG)
@feed_option
@click.option(
    "--from", "first", type=Day(), default="today", show_default=True, help="First publication day."
)
@click.option("--to", "last", type=Day(), default="today", show_default=True, help="Last publication day.")
@click.option(
    "--url", default="http://127.0.0.1:3000", show_default=True, help="Where `gogobe up` serves the web UI."
)
@click.option("--wait", is_flag=True, help="Stay until every run has ended; exit code 1 if one failed.")
def backfill(feeds: tuple[Feed, ...], first: date, last: date, url: str, wait: bool) -> None:
    """Queue an import run for every chosen feed on every day from --from to --to.

    The running Dagster works the runs off, never two on one feed at once; the web UI shows them under
    Runs > Backfills. What is in the tables already is not done again. Without --feed: every feed.
    """
    if last < first:
        raise click.UsageError(f"--to {last} is before --from {first}")
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url {url}: an address begins with http://, such as http://127.0.0.1:3000")
    cells = [f"{feed.key}|{day}" for feed in chosen(feeds) for day in _days(first, last)]
    dagster = RunningDagster(url)
    backfill_id = dagster.launch(cells, run_config=_run_config(chosen(feeds)))
    click.echo(f"backfill {backfill_id}: {len(cells)} runs queued; {url}/runs/b/{backfill_id}")
    if first < clock.day_of(clock.now()):
        _tell_who_shows_only_today(chosen(feeds))
    if wait:
        _wait(dagster, backfill_id, runs=len(cells))


def _run_config(feeds: Sequence[Feed]) -> dict[str, Any]:
    """Let runs do without processes for their steps where the queue keeps every core busy with runs."""
    from gogobe_dagster.defs.jobs import IN_PROCESS

    return IN_PROCESS if len(feeds) >= Settings.read().max_concurrent_runs else {}


def _tell_who_shows_only_today(feeds: Sequence[Feed]) -> None:
    """Say beforehand which past days will stay empty: their runs succeed and find nothing."""
    settings, only_today = Settings.read(), list[str]()
    for feed in feeds:
        with closing(open_portal(feed, settings)) as portal:
            only_today += [] if portal.offers_past_days else [feed.key]
    if only_today:
        words = (
            "show only today; of past days they give what they still list, the rest is past_day_not_offered"
        )
        click.echo(f"{', '.join(only_today)} {words}", err=True)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


class RunningDagster:
    """The GraphQL endpoint of a running web server."""

    def __init__(self, url: str) -> None:
        """Take the address that the web UI has."""
        self._url = url.rstrip("/")

    def launch(self, cells: list[str], *, run_config: Mapping[str, Any]) -> str:
        """Ask for a backfill of these cells; return its id."""
        params = {
            "assetSelection": [{"path": [asset]} for asset in ASSETS],
            "partitionNames": cells,
            "runConfigData": run_config,
            "tags": [{"key": name, "value": value} for name, value in TAGS.items()],
            "title": "gogobe backfill",
        }
        return str(self._ask(LAUNCH, {"params": params})["backfillId"])

    def look(self, backfill_id: str) -> tuple[str, list[str]]:
        """Return the backfill's status and those of its runs."""
        answer = self._ask(LOOK, {"id": backfill_id})
        return answer["status"], [run["status"] for run in answer["runs"]]

    def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        question = {"query": query, "variables": variables}
        try:
            with DirectToLoopback() as session:
                answer = session.post(f"{self._url}/graphql", json=question, timeout=60).json()
        except requests.RequestException:
            raise GogobeError(f"no Dagster answers at {self._url}; start one with `gogobe up`") from None
        result: dict[str, Any] = next(iter((answer.get("data") or {"errors": answer}).values()))
        if "message" in result or "errors" in answer:
            raise GogobeError(f"Dagster refused: {result.get('message') or answer['errors']}")
        return result


def _wait(dagster: RunningDagster, backfill_id: str, *, runs: int) -> None:
    status, states = "REQUESTED", list[str]()
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("runs", total=runs)
        for status, states in _looks(dagster, backfill_id):  # noqa: B007 - the last one is told below
            progress.update(
                bar, completed=sum(state in {"SUCCESS", "FAILURE", "CANCELED"} for state in states)
            )
    succeeded = states.count("SUCCESS")
    click.echo(f"{succeeded} of {runs} runs succeeded, backfill {status.lower().replace('_', ' ')}")
    if succeeded < runs:
        raise SystemExit(1)


def _looks(dagster: RunningDagster, backfill_id: str) -> Iterator[tuple[str, list[str]]]:
    while True:
        status, states = dagster.look(backfill_id)
        yield status, states
        if status in ENDED:
            return
        time.sleep(LOOK_SECONDS)
