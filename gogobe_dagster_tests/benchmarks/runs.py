"""What runs cost: `make bench NAME=runs`. Real web server, daemon, code location and embedded PostgreSQL.

CPU is that of everything that `gogobe up` started and of PostgreSQL, the processes that have ended included,
less what the same processes use while nothing happens. The replica's is not in it. Wall time is from the
request to the end of the run, the queue and its polling included.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from datetime import date

import psycopg
from rich.console import Console
from rich.table import Table

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.feeds import Feed, find_feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.postgres import embedded
from gogobe_dagster.replica.generator.market import Market
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster_tests.benchmarks.budget import CORES, Measured, budget
from gogobe_dagster_tests.benchmarks.contest import finish
from gogobe_dagster_tests.benchmarks.home import home
from gogobe_dagster_tests.benchmarks.meter import Cost, Meter, adopt_orphans
from gogobe_dagster_tests.benchmarks.partition_page import page_times
from gogobe_dagster_tests.benchmarks.steps import cost_of_a_step
from gogobe_dagster_tests.dagster_up import LOCATION, ask, gogobe_up, launch, wait_until
from gogobe_dagster_tests.postgres.servers import postmaster_of
from gogobe_dagster_tests.stage import MIDNIGHT, YESTERDAY, Stage

SMALL, BULK, LOOKED_AT = "keshet", "rami_levy", "osher_ad"
DELTA_FILES, NEW_FILES = 3, 50
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
  sensorDryRun(selectorData: $selector, cursor: "") {
    __typename
    ... on DryRunInstigationTick { evaluationResult { runRequests { runKey } skipReason error { message } } }
    ... on PythonError { message }
  }
}
"""
Figure = float | int | str
LOADED = "select count(*), coalesce(sum(rows), 0) from file where feed = %s and state = 'loaded'"


# ---------------------------------------------------------------- work to measure


def run(url: str, feed_key: str, day: date = YESTERDAY, *, small: bool = False) -> str:
    """Ask for the import of a feed and day, wait until it has succeeded, return its id.

    `small`: as a sensor asks for it when few files wait.
    """
    run_id = launch(url, f"{feed_key}|{day}", run_config=IN_PROCESS if small else None)
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


def measure(stores: int, items: int) -> dict[str, Figure]:
    """Measure everything; return the figures."""
    figures: dict[str, Figure] = {"load_average_before": round(os.getloadavg()[0], 1)}
    adopt_orphans()
    with home() as stage:
        costs = _measure_up(stage, stores, items, figures)
        files, rows = stage.query(LOADED, [BULK])[0]
        figures |= {"bulk_files": files, "bulk_rows": int(rows)}
        figures["cpu_of_a_step"] = round(cost_of_a_step(stage), 2)
        figures |= page_times(stage)
    spent = budget(
        Measured(
            delta_run=costs["delta run of 3 files"],
            bulk_run=costs["bulk run"],
            bulk_files=files,
            tick=costs["sensor tick, nothing new"],
            idle_share=float(figures["idle_cpu_share_of_a_core"]),
        )
    )
    figures |= {f"day_{name}": value for name, value in spent.items()}
    figures |= {"load_average_after": round(os.getloadavg()[0], 1)}
    _show(costs, figures)
    return _figures(costs) | figures


def _measure_up(stage: Stage, stores: int, items: int, figures: dict[str, Figure]) -> dict[str, Cost]:
    """Measure what needs the web server and the daemon; put what is no cost into `figures`."""
    some = publish(stage, SMALL, stores=4, items=2_000, all_but=2 * DELTA_FILES)
    many = publish(stage, LOOKED_AT, stores=8, items=300, all_but=NEW_FILES)
    publish(stage, BULK, stores=stores, items=items)
    costs: dict[str, Cost] = {}

    def measured(name: str, work: Callable[[], object]) -> None:
        costs[name] = meter.cost(work)
        print(f"{name}: {costs[name].wall:.2f} s, {costs[name].cpu:.2f} CPU s", flush=True)

    shelf, ids = stage.replica.shelf(SMALL), list[str]()
    with gogobe_up(stage) as url:
        run(url, SMALL)  # also warms everything up
        meter = Meter(postmaster_of(embedded(stage.settings)))
        figures["idle_cpu_share_of_a_core"] = round(meter.rest(), 3)
        measured("empty run", lambda: run(url, SMALL, small=True))
        shelf.put(*some[:DELTA_FILES])
        measured("delta run of 3 files", lambda: ids.append(run(url, SMALL, small=True)))
        figures["events_a_delta_run"], figures["event_bytes_a_delta_run"] = events(stage, ids[0])
        shelf.put(*some[DELTA_FILES:])
        measured("the same, a process a step", lambda: run(url, SMALL))
        tick(url, LOOKED_AT)
        measured("sensor tick, nothing new", lambda: tick(url, LOOKED_AT))
        stage.replica.shelf(LOOKED_AT).put(*many)
        measured(f"sensor tick, {len(many)} new files", lambda: tick(url, LOOKED_AT))
        measured("bulk run", lambda: run(url, BULK))
    return costs


def _show(costs: dict[str, Cost], figures: dict[str, Figure]) -> None:
    table = Table(title="What runs cost, from request to success", title_justify="left")
    for heading in ("what", "wall s", "CPU s"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for name, cost in costs.items():
        table.add_row(name, f"{cost.wall:.2f}", f"{cost.cpu:.2f}")
    console = Console(width=100)
    console.print(table)
    for name, value in figures.items():
        console.print(f"{name.replace('_', ' ')}: {value:,}" if not isinstance(value, str) else value)


def _figures(costs: dict[str, Cost]) -> dict[str, Figure]:
    delta = costs["delta run of 3 files"].cpu
    figures: dict[str, Figure] = {"delta_runs_an_hour": round(CORES * 3600 / delta)}
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
