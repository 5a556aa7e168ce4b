"""Runs to measure: files that are published for them, and requests that wait for their end."""

from collections.abc import Iterator, Sequence
from datetime import date

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster_tests.dagster_services import ask, launch
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday
from gogobe_dagster_tests.waiting import wait_for_progress

STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
FAILED = """
query Why($id: ID!) {
  logsForRun(runId: $id) {
    ... on EventConnection { events { __typename ... on ExecutionStepFailureEvent { error { message } } } }
  }
}
"""


def run(url: str, feed_key: str, day: date | None = None, *, small: bool = False) -> str:
    """Request the import of a feed and day, or yesterday, wait until it has succeeded, and return its id.

    `small`: in one process, as a sensor requests it for few files.
    """
    run_id = launch(url, f"{feed_key}|{day or yesterday()}", run_config=IN_PROCESS if small else None)
    wait_for_progress(lambda: has_ended(url, run_id), what=f"the end of run {run_id}", idle_seconds=3600)
    return run_id


def has_ended(url: str, run_id: str) -> bool:
    """Return whether a run has succeeded; raise `AssertionError` with its errors if it failed."""
    status = ask(url, STATUS, id=run_id)["runOrError"]["status"]
    if status in {"FAILURE", "CANCELED"}:
        events = ask(url, FAILED, id=run_id)["logsForRun"]["events"]
        errors = "\n".join(event["error"]["message"] for event in events if event.get("error"))
        raise AssertionError(f"run {run_id}: {status}\n{errors}")
    return bool(status == "SUCCESS")


def publish(env: ImportEnv, feed_key: str, *, stores: int, items: int, all_but: int = 0) -> list[Publication]:
    """Publish yesterday's files of a feed, except its last delta files, which are returned."""
    publish_all(env, feed_key, stores=stores, items=items)
    publications = env.replica.publications(feed_key)
    deltas = [file for file in publications.all() if file.kind is FileKind.PRICES]
    withheld = sorted(deltas, key=lambda file: file.published_at)[len(deltas) - all_but :]
    publications.remove(*(file.name for file in withheld))
    return withheld


def publish_fulls(env: ImportEnv, feed_key: str, *, stores: int, items: int) -> None:
    """Publish one full price file per store, and nothing else."""
    publish_all(env, feed_key, stores=stores, items=items)
    publications = env.replica.publications(feed_key)
    publications.remove(*(file.name for file in publications.all() if file.kind is not FileKind.FULL_PRICES))


def publish_all(env: ImportEnv, feed_key: str, *, stores: int, items: int) -> None:
    market, publications = SyntheticMarket(stores=stores, items=items), env.replica.publications(feed_key)
    publish_day(
        {feed_key: publications}, [find_feed(feed_key)], day=yesterday(), market=market, now=midnight()
    )


def chunks(publications: list[Publication], size: int) -> Iterator[Sequence[Publication]]:
    """Split files into chunks of a size."""
    return (publications[start : start + size] for start in range(0, len(publications), size))
