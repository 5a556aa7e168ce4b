"""A day of the whole country at real size, from the portals to the tables: `make bench NAME=country`.

All files of a day are published at once: 34 feeds, full files, deltas, promotions and store lists. `gogobe
up` finds and imports them into empty tables, and then those of the day after. The files are made before, in
two processes, and their making is reported apart. `--scale 1` is as large as the country; a tenth is a quick
look.
"""

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context

from gogobe_dagster.feeds.registry import FEEDS, find_feed
from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_day
from gogobe_dagster.replica.publication import Publication, Publications
from gogobe_dagster.replica.simulated_clock import SimulatedClock
from gogobe_dagster.settings import Launcher
from gogobe_dagster_tests.benchmarks.budget import CORES
from gogobe_dagster_tests.benchmarks.day import WaitingEnv
from gogobe_dagster_tests.benchmarks.day_monitoring import Sample, Watcher
from gogobe_dagster_tests.benchmarks.home import home
from gogobe_dagster_tests.benchmarks.meter import Meter, adopt_orphans
from gogobe_dagster_tests.benchmarks.runner import finish, show_figures
from gogobe_dagster_tests.dagster_services import gogobe_up, switch_on
from gogobe_dagster_tests.import_env import ImportEnv, midnight, yesterday
from gogobe_dagster_tests.postgres.servers import postmaster_of
from gogobe_dagster_tests.waiting import wait_for_progress

ENDED = "select count(*) from file where state not in ('discovered', 'downloaded', 'parsed')"
LOADED = "select count(*), coalesce(sum(rows), 0)::bigint from file where state = 'loaded'"
DAYS = {"first": yesterday() - timedelta(days=1), "later": yesterday()}
PATIENCE_SECONDS = 900
"""In which a file must end."""

Made = dict[str, list[Publication]]


def make_day(feed_key: str, day: date, scale: float) -> list[Publication]:
    """Make what a feed publishes on a day."""
    publications = Publications()
    end = midnight() - (yesterday() - day)
    market = SyntheticMarket(scale=scale)
    publish_day({feed_key: publications}, [find_feed(feed_key)], day=day, market=market, now=end)
    return list(publications.all())


def make(feed_keys: Sequence[str], day: date, scale: float) -> Made:
    """Make what all feeds publish on a day, the largest feeds first."""
    largest_first = sorted(feed_keys, key=lambda key: -find_feed(key).stores)
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        made = pool.map(partial(make_day, day=day, scale=scale), largest_first)
        return dict(zip(largest_first, made, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What the import of a day took."""

    files: int
    loaded: int
    rows: int
    runs: int
    seconds: float
    samples: Sequence[Sample]

    def figures(self, name: str) -> dict[str, float | int]:
        """Return the figures of the last line."""
        first, last = self.samples[0], self.samples[-1]
        cpu = {part: last.seconds[part] - first.seconds[part] for part in last.seconds}
        return {
            f"{name}_files": self.files,
            f"{name}_files_loaded": self.loaded,
            f"{name}_rows": self.rows,
            f"{name}_runs": self.runs,
            f"{name}_seconds": round(self.seconds, 1),
            f"{name}_rows_per_second": round(self.rows / self.seconds),
            f"{name}_cpu_seconds": round(sum(cpu.values())),
            **{f"{name}_cpu_of_{part.name.lower()}": round(seconds) for part, seconds in cpu.items()},
            f"{name}_cores_busy": round(sum(cpu.values()) / (last.at - first.at), 2),
            f"{name}_memory_mb": max(sum(sample.megabytes.values()) for sample in self.samples),
        }


def publish(env: ImportEnv, made: Made, day: date) -> int:
    """Publish a day's files at once, at its end; return their number."""
    assert isinstance(env.replica.clock, SimulatedClock)
    env.replica.clock.move(now=midnight() - (yesterday() - day), speed=0)
    for feed_key, publications in made.items():
        env.replica.publications(feed_key).put(*publications)
    return sum(map(len, made.values()))


def wait_until_ended(env: ImportEnv, files: int) -> None:
    """Wait until this number of files has ended, well or badly."""

    def ended() -> int:
        ((number,),) = env.query(ENDED)
        return int(number)

    wait_for_progress(
        lambda: ended() >= files, what="the day's last file", progress=ended, idle_seconds=PATIENCE_SECONDS
    )


def import_days(env: ImportEnv, days: dict[str, Made], meter: Meter) -> dict[str, float | int]:
    """Import one day after the other; return the figures of each."""
    figures: dict[str, float | int] = {}
    files = loaded = rows = runs = 0
    with gogobe_up(WaitingEnv(env.settings, env.replica, env.resources)) as url:
        for name, made in days.items():
            new = publish(env, made, DAYS[name])
            began = time.monotonic()
            with Watcher(meter) as watcher:
                for feed_key in made:
                    switch_on(url, f"{feed_key}_files")
                wait_until_ended(env, files + new)
                seconds = time.monotonic() - began
            ((all_loaded, all_rows),) = env.query(LOADED)
            figures |= Imported(
                files=new,
                loaded=all_loaded - loaded,
                rows=all_rows - rows,
                runs=_runs(env) - runs,
                seconds=seconds,
                samples=watcher.samples,
            ).figures(name)
            files, loaded, rows, runs = files + new, all_loaded, all_rows, _runs(env)
    return figures


def _size(publication: Publication) -> int:
    content = publication.content
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _runs(env: ImportEnv) -> int:
    ((number,),) = env.query_dagster("select count(*) from runs")
    return int(number)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = _options(arguments)
    adopt_orphans()
    feed_keys = options.feed or [feed.key for feed in FEEDS]
    before = os.getloadavg()[0]
    began = time.monotonic()
    days = {name: make(feed_keys, day, options.scale) for name, day in DAYS.items()}
    figures: dict[str, float | int] = {
        "feeds": len(feed_keys),
        "scale": options.scale,
        "making_seconds": round(time.monotonic() - began),
        "megabytes": round(
            sum(_size(file) for made in days.values() for files in made.values() for file in files) / 1e6
        ),
        "load_average_before": round(before, 1),
    }
    with home(poll_interval_seconds=options.poll_interval_seconds, launcher=Launcher.WORKERS) as env:
        figures |= import_days(env, days, Meter(postmaster_of(embedded_server(env.settings))))
    show_figures("A day of the country", figures)
    finish(figures)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed", action="append", help="Only these feeds.")
    parser.add_argument("--scale", type=float, default=1, help="Stores and items; 1 is the real size.")
    parser.add_argument("--poll-interval-seconds", type=int, default=30, help="Between two polls.")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
