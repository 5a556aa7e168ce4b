"""What runs cost: `make bench NAME=runs`. Real web server, daemon, code location and embedded PostgreSQL.

CPU is that of everything that `gogobe up` started and of PostgreSQL, the processes that have ended included,
less what the same processes use while nothing happens. The replica's is not in it. Wall time is from the
request to the end of the run, the queue and its polling included.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from gogobe_dagster.commands.environment import process_environment
from gogobe_dagster.feeds import FEEDS, Feed, find_feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.postgres import embedded, ensure_running, warehouse_url
from gogobe_dagster.replica.generator.market import Market
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.benchmarks.contest import finish
from gogobe_dagster_tests.dagster_up import ask, gogobe_up, wait_until
from gogobe_dagster_tests.postgres.servers import postmaster_of, temporary_folder
from gogobe_dagster_tests.stage import MIDNIGHT, YESTERDAY, Stage, stage

SMALL, BULK, LOOKED_AT = "keshet", "rami_levy", "osher_ad"
CORES = 2
IDLE_SECONDS = 15
DELTA_FILES, NEW_FILES = 3, 50
MATERIALIZED = 3_000
LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
FAILED = """
query Why($id: ID!) {
  logsForRun(runId: $id) {
    ... on EventConnection { events { __typename ... on ExecutionStepFailureEvent { error { message } } } }
  }
}
"""
TICK = """
mutation Tick($selector: SensorSelector!) {
  sensorDryRun(selectorData: $selector) {
    __typename
    ... on DryRunInstigationTick { evaluationResult { runRequests { runKey } skipReason error { message } } }
    ... on PythonError { message }
  }
}
"""
PAGE = """
query Page($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      partitionKeysByDimension { name partitionKeys }
      partitionStats { numMaterialized numPartitions numFailed }
      assetPartitionStatuses {
        ... on MultiPartitionStatuses { primaryDimensionName ranges { primaryDimStartKey primaryDimEndKey } }
      }
    }
  }
}
"""
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "gogobe_dagster"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What something took."""

    wall: float
    cpu: float
    """Seconds of all processes, less what they use while nothing happens."""


class Meter:
    """Reads the CPU time of everything that belongs to a running `gogobe up`."""

    def __init__(self, stage: Stage) -> None:
        server = psutil.Process(postmaster_of(embedded(stage.settings)).pid)
        self._roots = [*(one for one in psutil.Process().children() if _is_up(one)), server]
        self._idle = 0.0
        started = self.seconds()
        time.sleep(IDLE_SECONDS)
        self._idle = (self.seconds() - started) / IDLE_SECONDS

    def seconds(self) -> float:
        """Return the CPU seconds so far, with those of children that have ended."""
        return sum(_seconds(one) for root in self._roots for one in (root, *root.children(recursive=True)))

    @property
    def idle_share(self) -> float:
        """CPU seconds a second while nothing happens."""
        return self._idle

    def cost(self, work: Callable[[], None]) -> Cost:
        """Do the work and say what it took."""
        cpu, wall = self.seconds(), time.perf_counter()
        work()
        wall = time.perf_counter() - wall
        return Cost(wall=wall, cpu=self.seconds() - cpu - self._idle * wall)


def _is_up(process: psutil.Process) -> bool:
    return "up" in process.cmdline()


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # its parent has its times now, or will at the next look
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


@contextmanager
def home() -> Iterator[Stage]:
    """Set up a stage on an embedded server of its own."""
    with temporary_folder() as folder:
        settings = Settings(home=folder / "home")
        ensure_running(settings)
        try:
            environment = process_environment(settings)
            urls = {
                "warehouse_url": warehouse_url(settings),
                "dagster_url": environment["GOGOBE_DAGSTER_DATABASE_URL"],
            }
            with stage(folder / "home", **urls, first_day=YESTERDAY - timedelta(days=7)) as one:
                yield one
        finally:
            embedded(settings).stop()


# ---------------------------------------------------------------- work to measure


def run(url: str, feed_key: str, day: date = YESTERDAY) -> str:
    """Ask for the import of a feed and day, wait until it has succeeded, return its id."""
    tags = {"dagster/partition": f"{feed_key}|{day}", "dagster/partition/feed": feed_key,
            "dagster/partition/publication_day": str(day)}  # fmt: skip
    params = {
        "selector": {**LOCATION, "pipelineName": "import_feed"},
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
    }
    answer = ask(url, LAUNCH, params=params)["launchRun"]
    run_id = str(answer["run"]["runId"])
    wait_until(lambda: _has_ended(url, run_id), seconds=3600, what=f"the end of run {run_id}")
    return run_id


def _has_ended(url: str, run_id: str) -> bool:
    status = ask(url, STATUS, id=run_id)["runOrError"]["status"]
    if status in {"FAILURE", "CANCELED"}:
        events = ask(url, FAILED, id=run_id)["logsForRun"]["events"]
        said = "\n".join(event["error"]["message"] for event in events if event.get("error"))
        raise AssertionError(f"run {run_id}: {status}\n{said}")
    return bool(status == "SUCCESS")


def tick(url: str, feed_key: str) -> None:
    """Evaluate a feed's sensor once, in the code location, as the daemon does."""
    answer = ask(url, TICK, selector={**LOCATION, "sensorName": f"{feed_key}_files"})["sensorDryRun"]
    error = answer if "message" in answer else answer["evaluationResult"]["error"]
    if error:
        raise AssertionError(error["message"])


def page(url: str) -> Cost:
    """Ask for what the partition page of an asset shows; the first answer warms up."""
    walls = []
    for _ in range(4):
        started = time.perf_counter()
        ask(url, PAGE, key={"path": ["prices"]})
        walls.append(time.perf_counter() - started)
    return Cost(wall=median(walls[1:]), cpu=0.0)


def events(stage: Stage, run_id: str) -> tuple[int, int]:
    """Return the rows and bytes that a run left in Dagster's event log."""
    count = "select count(*), coalesce(sum(pg_column_size(e.*)), 0) from event_logs e where run_id = %s"
    url = stage.settings.dagster_database_url.replace("postgresql+psycopg2://", "postgresql://")
    with psycopg.connect(url) as connection:
        row = connection.execute(count, [run_id]).fetchone()
    assert row
    return int(row[0]), int(row[1])


# ---------------------------------------------------------------- what is published


def publish(stage: Stage, feed_key: str, *, stores: int, items: int, all_but: int = 0) -> list[Publication]:
    """Put yesterday's files of a feed on its shelf; return its last delta files, which are held back."""
    feed: Feed = find_feed(feed_key)
    shelf = stage.replica.shelf(feed_key)
    market = Market(stores=stores, items=items)
    publish_day({feed_key: shelf}, [feed], day=YESTERDAY, market=market, now=MIDNIGHT)
    deltas = [one for one in shelf.publications() if one.kind is FileKind.PRICES]
    held = sorted(deltas, key=lambda one: one.published_at)[len(deltas) - all_but :]
    for one in held:
        shelf.remove(one.name)
    return held


def measure(stores: int, items: int) -> dict[str, float | int | str]:
    """Measure everything; return the figures."""
    figures: dict[str, float | int | str] = {}
    costs: dict[str, Cost] = {}
    with home() as stage:
        some = publish(stage, SMALL, stores=4, items=2_000, all_but=2 * DELTA_FILES)
        many = publish(stage, LOOKED_AT, stores=8, items=300, all_but=NEW_FILES)
        publish(stage, BULK, stores=stores, items=items)
        with gogobe_up(stage) as url:
            run(url, SMALL)  # also warms everything up
            meter = Meter(stage)
            last = ""

            def small_run() -> None:
                nonlocal last
                last = run(url, SMALL)

            costs["empty run"] = meter.cost(small_run)
            stage.replica.shelf(SMALL).put(*some[:DELTA_FILES])
            costs["delta run of 3 files"] = meter.cost(small_run)
            figures["events_a_delta_run"], figures["event_bytes_a_delta_run"] = events(stage, last)
            tick(url, LOOKED_AT)
            costs["sensor tick, nothing new"] = meter.cost(lambda: tick(url, LOOKED_AT))
            stage.replica.shelf(LOOKED_AT).put(*many)
            costs[f"sensor tick, {len(many)} new files"] = meter.cost(lambda: tick(url, LOOKED_AT))
            costs["bulk run"] = meter.cost(lambda: _ignore(run(url, BULK)))
            figures["idle_cpu_share_of_a_core"] = round(meter.idle_share, 3)
        files, rows = stage.query(
            "select count(*), coalesce(sum(rows), 0) from file where feed = %s and state = 'loaded'", [BULK]
        )[0]
        figures |= {"bulk_files": files, "bulk_rows": int(rows)}
        figures |= _pages(stage)
    _show(costs, figures)
    return figures | _figures(costs)


def _ignore(_: str) -> None:
    """Take a result that nobody needs."""


def _pages(stage: Stage) -> dict[str, float | int]:
    """Time the partition page with a year of days and with three, many of them materialized."""
    figures: dict[str, float | int] = {}
    for keys in (12_000, 36_000):
        first_day = YESTERDAY - timedelta(days=keys // len(FEEDS))
        longer = Stage(
            stage.settings.model_copy(update={"first_day": first_day}), stage.replica, stage.equipment
        )
        _materialize(longer, first_day)
        with gogobe_up(longer) as url:
            figures[f"page_ms_at_{keys}"] = round(page(url).wall * 1000)
    return figures


def _materialize(stage: Stage, first_day: date) -> None:
    import dagster as dg

    os.environ.update(stage.environment)
    with dg.DagsterInstance.get() as instance:
        for number in range(MATERIALIZED):
            day = first_day + timedelta(days=number // len(FEEDS))
            key = dg.MultiPartitionKey({"feed": FEEDS[number % len(FEEDS)].key, "publication_day": str(day)})
            instance.report_runless_asset_event(dg.AssetMaterialization("prices", partition=key))


def _show(costs: dict[str, Cost], figures: dict[str, float | int | str]) -> None:
    table = Table(title="What runs cost, from request to success", title_justify="left")
    for heading in ("what", "wall s", "CPU s"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for name, cost in costs.items():
        table.add_row(name, f"{cost.wall:.2f}", f"{cost.cpu:.2f}")
    console = Console(width=100)
    console.print(table)
    for name, value in figures.items():
        console.print(f"{name.replace('_', ' ')}: {value:,}" if not isinstance(value, str) else value)


def _figures(costs: dict[str, Cost]) -> dict[str, float | int | str]:
    delta = costs["delta run of 3 files"].cpu
    figures: dict[str, float | int | str] = {"delta_runs_an_hour": round(CORES * 3600 / delta)}
    for name, cost in costs.items():
        key = name.replace(" ", "_").replace(",", "")
        figures |= {f"{key}_wall": round(cost.wall, 2), f"{key}_cpu": round(cost.cpu, 2)}
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=400, help="Stores of the bulk run, a full file each.")
    parser.add_argument("--items", type=int, default=6_200, help="Catalogue; a store sells four fifths.")
    options = parser.parse_args(arguments)
    finish(measure(options.stores, options.items))


if __name__ == "__main__":
    main()
