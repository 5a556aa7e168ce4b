"""A day of the whole country in some minutes: `make bench NAME=day`. Real sensors, daemon, runs, PostgreSQL.

The replica's clock goes through yesterday faster than ours, and what is due is published there; made
beforehand, so that making it costs nothing here. The importer knows nothing of that clock: it looks more
often than it would. `--scale 1 --minutes 240` is as large as the country. Lag is real time, from the
moment a file appears at the portal to the commit of its rows.
"""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from gogobe_dagster.feeds.registry import FEEDS, find_feed
from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster_tests.benchmarks.budget import CORES, DAY_SECONDS
from gogobe_dagster_tests.benchmarks.day_monitoring import Sample, Watcher
from gogobe_dagster_tests.benchmarks.day_plot import plot
from gogobe_dagster_tests.benchmarks.day_publishing import Publisher
from gogobe_dagster_tests.benchmarks.home import home
from gogobe_dagster_tests.benchmarks.meter import Meter, adopt_orphans
from gogobe_dagster_tests.benchmarks.runner import finish, show_figures
from gogobe_dagster_tests.dagster_services import gogobe_up, switch_on
from gogobe_dagster_tests.import_env import ImportEnv
from gogobe_dagster_tests.postgres.servers import postmaster_of
from gogobe_dagster_tests.waiting import IDLE_SECONDS, wait_for_progress

ENDED = """
select feed || '/' || name, state, loaded_at from file
where state not in ('discovered', 'downloaded', 'parsed')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What was seen of the day."""

    appeared: Mapping[str, datetime]
    """When each file was published, by feed and name."""
    loaded: Mapping[str, datetime]
    samples: Sequence[Sample]
    states: Mapping[str, int]
    """Files by how they ended."""

    @property
    def lags(self) -> list[float]:
        """Seconds from a portal to the tables, of each file."""
        return sorted((self.loaded[name] - self.appeared[name]).total_seconds() for name in self.loaded)


@dataclass(frozen=True)
class WaitingEnv(ImportEnv):
    """An import environment whose sensors wait for more files for so many minutes; with 0 for none."""

    wait_minutes: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """The variables of `ImportEnv`, and this one."""
        return {**super().environment, "GOGOBE_RUN_MAX_WAIT_MINUTES": str(self.wait_minutes)}


def live_through(
    env: ImportEnv,
    publisher: Publisher,
    meter: Meter,
    publish: Callable[[], None],
    *,
    wait_minutes: int = 0,
    patience: float = IDLE_SECONDS,
) -> Day:
    """Let files be published and wait for the last one; raise when nothing ends for `patience` seconds."""
    waiting = WaitingEnv(env.settings, env.replica, env.resources, wait_minutes)
    with gogobe_up(waiting) as url, Watcher(meter) as watcher:
        for key in publisher.feed_keys:
            switch_on(url, f"{key}_files")
        looked_at = set(publisher.feed_keys)
        wait_for_progress(
            lambda: looked_at <= _listed(env),
            what="a first poll of every portal",
            progress=lambda: _listed(env),
        )
        publish()
        names = set(publisher.appeared)
        wait_for_progress(
            lambda: names <= _ended(env).keys(),
            what="the day's last file",
            progress=lambda: len(_ended(env)),
            idle_seconds=patience,
        )
    ended = _ended(env)
    loaded = {name: at for name, (_, at) in ended.items() if at and name in names}
    states: dict[str, int] = {}
    for name in names:
        states[ended[name][0]] = states.get(ended[name][0], 0) + 1
    return Day(appeared=publisher.appeared, loaded=loaded, samples=watcher.samples, states=states)


def _listed(env: ImportEnv) -> set[str]:
    return {feed for (feed,) in env.query("select feed from listing")}


def _ended(env: ImportEnv) -> dict[str, tuple[str, datetime | None]]:
    return {name: (state, at) for name, state, at in env.query(ENDED)}


def figures_of(day: Day) -> dict[str, float | int | str]:
    """Return the figures of the last line."""
    lags, samples = day.lags, day.samples
    cpu = sum(samples[-1].seconds.values()) - sum(samples[0].seconds.values())
    passed = samples[-1].at - samples[0].at
    return {
        "files": len(day.appeared),
        **{f"files_{state}": number for state, number in day.states.items()},
        "lag_p50": round(median(lags), 1),
        "lag_p95": round(quantiles(lags, n=20)[-1], 1),
        "lag_most": round(lags[-1], 1),
        "seconds": round(passed),
        "cpu_seconds": round(cpu),
        "cpu_share_of_two_cores_while_it_ran": round(cpu / passed / CORES, 3),
        "memory_mb_p50": round(median(sum(sample.megabytes.values()) for sample in samples)),
        "memory_mb_most": max(sum(sample.megabytes.values()) for sample in samples),
        "load_average_after": round(os.getloadavg()[0], 1),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = _options(arguments)
    adopt_orphans()
    with home(poll_interval_seconds=options.poll_interval_seconds) as env:
        feeds = [find_feed(key) for key in options.feed or [feed.key for feed in FEEDS]]
        market = SyntheticMarket(scale=options.scale, stores=options.stores, items=options.items)
        publisher = Publisher(env.replica, feeds, market)
        meter = Meter(postmaster_of(embedded_server(env.settings)))
        before = os.getloadavg()[0]
        patience = 60 * options.patience
        publish = partial(publisher.publish_for, options.minutes * 60)
        day = live_through(env, publisher, meter, publish, patience=patience)
    figures = {"feeds": len(feeds), "minutes": options.minutes, "load_average_before": round(before, 1)}
    figures |= figures_of(day)
    share = float(figures["cpu_seconds"]) / DAY_SECONDS / CORES
    figures["cpu_share_of_two_cores_over_a_real_day"] = round(share, 3)
    if options.plot:
        plot(day.appeared, day.loaded, day.samples, minutes=options.minutes, path=options.plot)
    show_figures("A day in minutes", figures)
    finish(figures)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed", action="append", help="Only these feeds.")
    parser.add_argument("--minutes", type=float, default=20, help="Minutes that the day takes.")
    parser.add_argument("--scale", type=float, default=0.1, help="Stores and items; 1 is the real size.")
    parser.add_argument("--stores", type=int, help="Stores of each feed, where the scale's do not suit.")
    parser.add_argument("--items", type=int, help="Items of each store, likewise.")
    parser.add_argument(
        "--poll-interval-seconds", type=int, default=20, help="Between two polls of a portal."
    )
    parser.add_argument("--patience", type=float, default=30, help="Minutes in which a file must end.")
    parser.add_argument("--plot", type=Path, help="Where to write the picture: docs/images/day.png.")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
