"""What a run costs by each launcher: a part of `make bench NAME=runs`, or `ARGS=--launchers` alone.

Each launcher has a `gogobe up` and a home of its own, one after the other.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.settings import Launcher
from gogobe_dagster_tests.benchmarks.home import home
from gogobe_dagster_tests.benchmarks.meter import IDLE_SECONDS, Meter
from gogobe_dagster_tests.benchmarks.run_requests import chunks, publish, run
from gogobe_dagster_tests.dagster_services import gogobe_up
from gogobe_dagster_tests.postgres.servers import postmaster_of

FEED = "keshet"
COMPARED = (Launcher.WORKERS, Launcher.PROCESS)
FILES, ROUNDS = 3, 5
POLL_INTERVAL_SECONDS = 300
"""The default: the alert monitor looks every minute, and not as often as in tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """CPU seconds of runs of one launcher, PostgreSQL and queue included, and of nothing."""

    empty: float
    delta: float
    empty_wall: float
    rest: float
    """Per second, of everything that `gogobe up` started, and PostgreSQL."""
    worker_rest: float
    """Per second, of the worker and the server that its runs are forked from."""


def compare_launchers() -> Mapping[str, float]:
    """Measure the launchers; print a table with ratios, and return the figures."""
    measured = {launcher: _measure(launcher) for launcher in COMPARED}
    _show(measured)
    return {
        f"{launcher}_{name}": round(getattr(launched, name), 4)
        for launcher, launched in measured.items()
        for name in Launched.__dataclass_fields__
    }


def _measure(launcher: Launcher) -> Launched:
    with home(poll_interval_seconds=POLL_INTERVAL_SECONDS) as env:
        chosen = replace(env, settings=env.settings.model_copy(update={"launcher": launcher}))
        withheld = publish(env, FEED, stores=4, items=2_000, all_but=ROUNDS * FILES)
        with gogobe_up(chosen) as url:
            run(url, FEED)  # also warms everything up
            run(url, FEED, small=True)
            meter = Meter(postmaster_of(embedded_server(env.settings)))
            before = _of_workers()
            rest = meter.rest()
            worker_rest = (_of_workers() - before) / IDLE_SECONDS
            empty = [meter.cost(lambda: run(url, FEED, small=True)) for _ in range(ROUNDS)]
            delta = []
            for files in chunks(withheld, FILES):
                env.replica.publications(FEED).put(*files)
                delta.append(meter.cost(lambda: run(url, FEED, small=True)))
    return Launched(
        empty=median(cost.cpu for cost in empty),
        delta=median(cost.cpu for cost in delta),
        empty_wall=median(cost.wall for cost in empty),
        rest=rest,
        worker_rest=worker_rest,
    )


def _of_workers() -> float:
    """Return the CPU seconds so far of the workers that this process has started."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "worker" in process.cmdline():
                times = [found.cpu_times() for found in (process, *process.children())]
                total += sum(found.user + found.system for found in times)
    return total


def _show(measured: Mapping[Launcher, Launched]) -> None:
    table = Table(title="Launchers, CPU seconds from request to success", title_justify="left")
    for heading in ("launcher", "empty run", f"run of {FILES} files", "everything at rest", "worker at rest"):
        table.add_column(heading, justify="left" if heading == "launcher" else "right")
    base = measured[Launcher.PROCESS]
    for launcher, launched in measured.items():
        table.add_row(
            launcher,
            f"{launched.empty:.2f} ({launched.empty / base.empty:.2f}x)",
            f"{launched.delta:.2f} ({launched.delta / base.delta:.2f}x)",
            f"{launched.rest:.2%} of a core",
            f"{launched.worker_rest:.2%} of a core",
        )
    Console(width=110).print(table)
