"""The cost of runs: `make bench NAME=runs`. Real web server, daemon, code location and embedded PostgreSQL.

CPU seconds are those of PostgreSQL and of all processes that `gogobe up` started, including ended ones, minus
what the same processes use when idle; the replica is excluded. Wall time is from the request to the end of
the run, including the queue and its polling. Each figure is the median of several rounds.
"""

import argparse
import os
from collections.abc import Sequence
from functools import partial
from statistics import median

import psycopg
from rich.console import Console
from rich.table import Table

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster_tests.benchmarks.budget import CORES, Measured, budget
from gogobe_dagster_tests.benchmarks.home import home
from gogobe_dagster_tests.benchmarks.launchers import compare_launchers
from gogobe_dagster_tests.benchmarks.meter import Cost, Meter, adopt_orphans
from gogobe_dagster_tests.benchmarks.partition_page import page_times
from gogobe_dagster_tests.benchmarks.run_requests import (
    chunks,
    has_ended,
    publish,
    publish_all,
    publish_fulls,
    run,
)
from gogobe_dagster_tests.benchmarks.runner import finish
from gogobe_dagster_tests.benchmarks.steps import cost_of_a_step
from gogobe_dagster_tests.dagster_services import LOCATION, ask, gogobe_up, launch
from gogobe_dagster_tests.import_env import ImportEnv, yesterday
from gogobe_dagster_tests.postgres.servers import postmaster_of
from gogobe_dagster_tests.waiting import wait_for_progress

SMALL, POLLED = "keshet", "osher_ad"
BULK = ("tiv_taam", "yohananof", "dabbah")
"""Feeds that publish one full price file per store and day."""
OTHERS = [feed.key for feed in FEEDS if feed.key not in {SMALL, POLLED, *BULK}]
MANY = f"{len(OTHERS)} small runs, queued at once"
DELTA_FILES, NEW_FILES = 3, 50
ROUNDS = 5
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


def tick(url: str, feed_key: str) -> None:
    """Evaluate a feed's sensor once, in the code location, as the daemon does."""
    answer = ask(url, TICK, selector={**LOCATION, "sensorName": f"{feed_key}_files"})["sensorDryRun"]
    error = answer if "message" in answer else answer["evaluationResult"]["error"]
    if error:
        raise AssertionError(error["message"])


def events(env: ImportEnv, run_id: str) -> tuple[int, int]:
    """Return the rows and bytes that a run left in Dagster's event log."""
    count = "select count(*), coalesce(sum(pg_column_size(e.*)), 0) from event_logs e where run_id = %s"
    url = env.settings.dagster_database_url.replace("postgresql+psycopg2://", "postgresql://")
    with psycopg.connect(url) as connection:
        row = connection.execute(count, [run_id]).fetchone()
    assert row
    return int(row[0]), int(row[1])


# ---------------------------------------------------------------- measuring


class Ledger:
    """The results."""

    def __init__(self) -> None:
        self.costs: dict[str, Cost] = {}
        self.figures: dict[str, Figure] = {"load_average_before": round(os.getloadavg()[0], 1)}

    def note(self, name: str, costs: Sequence[Cost]) -> None:
        """Record the median."""
        cost = Cost(wall=median(cost.wall for cost in costs), cpu=median(cost.cpu for cost in costs))
        self.costs[name] = cost
        print(f"{name}: {cost.wall:.2f} s, {cost.cpu:.2f} CPU s, median of {len(costs)}", flush=True)


def measure(stores: int, items: int) -> dict[str, Figure]:
    """Measure everything; return the figures."""
    adopt_orphans()
    ledger = Ledger()
    ledger.figures |= compare_launchers()
    with home() as env:
        with gogobe_up(env) as url:
            _measure_up(env, url, ledger, stores=stores, items=items)
        files, rows = env.query(LOADED, [BULK[0]])[0]
        ledger.figures |= {"bulk_files": files, "bulk_rows": int(rows)}
        ledger.figures["cpu_of_a_step"] = round(median(cost_of_a_step(env) for _ in range(ROUNDS)), 2)
        ledger.figures |= page_times(env)
    spent = budget(
        Measured(
            delta_run=ledger.costs["delta run of 3 files"],
            bulk_run=ledger.costs["bulk run"],
            bulk_files=files,
            tick=ledger.costs["sensor tick, nothing new"],
            idle_share=float(ledger.figures["idle_cpu_share_of_a_core"]),
        )
    )
    ledger.figures |= {f"day_{name}": value for name, value in spent.items()}
    ledger.figures |= {"load_average_after": round(os.getloadavg()[0], 1)}
    _show(ledger.costs, ledger.figures)
    return _figures(ledger.costs) | ledger.figures


def _measure_up(env: ImportEnv, url: str, ledger: Ledger, *, stores: int, items: int) -> None:
    """Measure runs and ticks, which need the web server and the daemon."""
    small = publish(env, SMALL, stores=4, items=2_000, all_but=2 * ROUNDS * DELTA_FILES)
    many = publish(env, POLLED, stores=16, items=2_000, all_but=ROUNDS * NEW_FILES)
    run(url, SMALL)  # also warms everything up
    tick(url, POLLED)
    meter = Meter(postmaster_of(embedded_server(env.settings)))
    ledger.figures["idle_cpu_share_of_a_core"] = round(meter.rest(), 3)
    publications, deltas, ids = env.replica.publications(SMALL), chunks(small, DELTA_FILES), list[str]()

    def delta_run(*, small: bool) -> Cost:
        publications.put(*next(deltas))
        return meter.cost(lambda: ids.append(run(url, SMALL, small=small)))

    def new_files(files: Sequence[Publication]) -> Cost:
        env.replica.publications(POLLED).put(*files)
        return meter.cost(lambda: tick(url, POLLED))

    rounds = range(ROUNDS)
    ledger.note("empty run", [meter.cost(lambda: run(url, SMALL, small=True)) for _ in rounds])
    ledger.note("delta run of 3 files", [delta_run(small=True) for _ in rounds])
    rows, size = events(env, ids[0])
    ledger.figures |= {"events_a_delta_run": rows, "event_bytes_a_delta_run": size}
    ledger.note("the same, a process a step", [delta_run(small=False) for _ in rounds])
    ledger.note("sensor tick, nothing new", [meter.cost(lambda: tick(url, POLLED)) for _ in rounds])
    ledger.note(
        f"sensor tick, {NEW_FILES} new files", [new_files(files) for files in chunks(many, NEW_FILES)]
    )
    ledger.note(MANY, [_run_all(env, url, meter)])
    for feed_key in BULK:
        publish_fulls(env, feed_key, stores=stores, items=items)
    ledger.note("bulk run", [meter.cost(partial(run, url, feed_key)) for feed_key in BULK])


def _run_all(env: ImportEnv, url: str, meter: Meter) -> Cost:
    """Run all other feeds once, with a few files each."""
    for feed_key in OTHERS:
        publish_all(env, feed_key, stores=1, items=30)

    def queue() -> None:
        runs = [launch(url, f"{feed_key}|{yesterday()}", run_config=IN_PROCESS) for feed_key in OTHERS]
        for run_id in runs:
            wait_for_progress(
                partial(has_ended, url, run_id), what=f"the end of run {run_id}", progress=env.progress
            )

    return meter.cost(queue)


def _show(costs: dict[str, Cost], figures: dict[str, Figure]) -> None:
    table = Table(title="Cost of runs, from request to success", title_justify="left")
    for heading in ("what", "wall s", "CPU s"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for name, cost in costs.items():
        table.add_row(name, f"{cost.wall:.2f}", f"{cost.cpu:.2f}")
    console = Console(width=100)
    console.print(table)
    for name, value in figures.items():
        console.print(f"{name.replace('_', ' ')}: {value:,}" if not isinstance(value, str) else value)


def _figures(costs: dict[str, Cost]) -> dict[str, Figure]:
    delta, bulk = costs["delta run of 3 files"], costs["bulk run"]
    figures: dict[str, Figure] = {"delta_runs_an_hour_by_cpu": round(CORES * 3600 / delta.cpu)}
    figures["small_runs_an_hour"] = round(len(OTHERS) * 3600 / costs[MANY].wall)
    figures["bulk_run_cores_in_use"] = round(bulk.cpu / bulk.wall, 2)
    for name, cost in costs.items():
        key = name.replace(" ", "_").replace(",", "")
        figures |= {f"{key}_wall": round(cost.wall, 2), f"{key}_cpu": round(cost.cpu, 2)}
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=400, help="Stores of the bulk run; one full file each.")
    parser.add_argument("--items", type=int, default=6_200, help="Catalogue; a store sells four fifths.")
    parser.add_argument("--launchers", action="store_true", help="Only compare the launchers.")
    options = parser.parse_args(arguments)
    if options.launchers:
        adopt_orphans()
        finish(compare_launchers())
        return
    finish(measure(options.stores, options.items))


if __name__ == "__main__":
    main()
