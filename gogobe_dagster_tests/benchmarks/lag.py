"""An hour of the country as it passes: `make bench NAME=lag`. How long do files take to the tables?

The replica's clock is ours, and publishes what is due today from now on; made beforehand. Sensors poll as
often as in an installation. Lag is from the moment a file appears at the portal to the commit of its rows, so
polls alone make it up to `--poll-interval-seconds`. To be started between 03:00 and 21:00 in Israel.
"""

import argparse
import os
from collections.abc import Sequence
from functools import partial

from gogobe_dagster import clock
from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds.registry import FEEDS, find_feed
from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.settings import Launcher, Settings
from gogobe_dagster_tests.benchmarks.day import figures_of, live_through
from gogobe_dagster_tests.benchmarks.day_publishing import Publisher
from gogobe_dagster_tests.benchmarks.home import home
from gogobe_dagster_tests.benchmarks.meter import Meter, adopt_orphans
from gogobe_dagster_tests.benchmarks.runner import finish, show_figures
from gogobe_dagster_tests.postgres.servers import postmaster_of


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = _options(arguments)
    adopt_orphans()
    figures: dict[str, float | int | str] = {
        "minutes": options.minutes,
        "poll_interval_seconds": options.poll_interval_seconds,
        "wait_minutes": options.wait_minutes,
        "load_average_before": round(os.getloadavg()[0], 1),
    }
    feeds = [find_feed(key) for key in options.feed or [feed.key for feed in FEEDS]]
    with home(poll_interval_seconds=options.poll_interval_seconds, launcher=Launcher.WORKERS) as env:
        publisher = Publisher(
            env.replica, feeds, SyntheticMarket(scale=options.scale), day=day_of(clock.now())
        )
        hour = live_through(
            env,
            publisher,
            Meter(postmaster_of(embedded_server(env.settings))),
            partial(publisher.publish_in_real_time, options.minutes * 60),
            wait_minutes=options.wait_minutes,
            patience=60 * options.patience,
        )
        ((runs,),) = env.query_dagster("select count(*) from runs")
    figures |= {"feeds": len(feeds), "runs": runs, **figures_of(hour)}
    show_figures("An hour in real time", figures)
    finish(figures)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    defaults = Settings()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed", action="append", help="Only these feeds.")
    parser.add_argument("--minutes", type=float, default=60, help="How long files are published.")
    parser.add_argument("--scale", type=float, default=0.25, help="Stores and items; 1 is the real size.")
    parser.add_argument(
        "--poll-interval-seconds",
        type=int,
        default=defaults.poll_interval_seconds,
        help="Between two polls of a portal.",
    )
    parser.add_argument(
        "--wait-minutes",
        type=int,
        default=defaults.run_max_wait_minutes,
        help="How long sensors wait for more files.",
    )
    parser.add_argument("--patience", type=float, default=30, help="Minutes in which a file must end.")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
