"""What listing and downloading cost: all portals one after another, 4,000 files from several at once.

`make bench NAME=download`. The portals are a process of their own; ledger and raw store are real. Demanded
on two cores: listing under 10 CPU seconds, 4,000 files of 300 KB under 4 minutes, memory flat.
"""

import resource
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import click
import psutil
from rich.console import Console
from rich.table import Table

from gogobe_dagster import pipeline
from gogobe_dagster.feeds.registry import FEEDS, Feed, find_feed
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.sizes import MEGABYTE
from gogobe_dagster.warehouse.schema.migrate import migrate
from gogobe_dagster_tests.benchmarks import portals
from gogobe_dagster_tests.benchmarks.runner import finish
from gogobe_dagster_tests.postgres.servers import temporary_folder

FILES, SIZE = 4000, 300_000
FETCHED_FROM = (
    "shufersal", "rami_levy", "osher_ad", "king_store", "carrefour", "super_pharm", "victory", "wolt_market"
)  # fmt: skip
LISTING_CPU_SECONDS, DOWNLOAD_SECONDS = 10, 240
GROWTH = 1.25
"""Memory is flat if its peak at the end is at most so much of the peak after a tenth of the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What listing a portal gave and cost."""

    feed: Feed
    files: int
    cpu_seconds: float
    seconds: float


def list_all(scale: float) -> list[Listed]:
    """List every portal, one after another, as many files as the feeds publish on a day."""
    with portals.serve(portals.all_feeds(scale), size=400) as url:
        settings = Settings(replica_url=url)
        return [list_one(feed, settings) for feed in FEEDS]


def list_one(feed: Feed, settings: Settings) -> Listed:
    started, cpu_started = time.perf_counter(), time.process_time()
    with closing(open_portal(feed, settings)) as portal:
        files = portal.list_files()
    return Listed(
        feed=feed,
        files=len(files),
        cpu_seconds=time.process_time() - cpu_started,
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What downloading cost."""

    files: int
    bytes: int
    seconds: float
    cpu_seconds: float
    early_mb: float
    """Peak memory of this process when a tenth of the files were there."""
    peak_mb: float
    """Peak memory at the end."""


def fetch_all(files: int, folder: Path) -> Fetched:
    """Fetch this number of files from several portals at once, each as fast as its request policy allows."""
    counts = {key: files // len(FETCHED_FROM) for key in FETCHED_FROM}
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    try:
        url = server.admin_url("postgres")
        migrate(url)
        with portals.serve(counts, size=SIZE) as replica:
            settings = Settings(home=folder, database_url=url, replica_url=replica)
            with closing(Resources(settings)) as resources:
                return measure(resources, total=sum(counts.values()))
    finally:
        server.stop()


def measure(resources: Resources, *, total: int) -> Fetched:
    feeds = [find_feed(key) for key in FETCHED_FROM]
    for feed in feeds:
        pipeline.discover(feed, [portals.DAY], resources)
    early, done = list[float](), Event()
    watcher = Thread(target=note_early_peak, args=(resources, total // 10, early, done))
    watcher.start()
    started, cpu_started = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(len(feeds)) as pool:
        rounds = list(pool.map(lambda feed: pipeline.download(feed, [portals.DAY], resources), feeds))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    done.set()
    watcher.join()
    return Fetched(
        files=sum(round_.fetched for round_ in rounds),
        bytes=sum(round_.bytes for round_ in rounds),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        early_mb=early[0],
        peak_mb=peak_mb(),
    )


def note_early_peak(resources: Resources, files: int, early: list[float], done: Event) -> None:
    """Wait until this number of files is there, and record the peak memory until then."""
    while not done.wait(0.1):
        if sum(row.downloaded for row in resources.ledger.feed_health()) >= files:
            break
    early.append(peak_mb())


def peak_mb() -> float:
    """Return the most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show_listings(listed: list[Listed]) -> None:
    table = Table(title="Listing every portal, one after another", title_justify="left")
    table.add_column("feed")
    table.add_column("portal")
    for heading in ("files", "CPU s", "seconds"):
        table.add_column(heading, justify="right")
    for entry in listed:
        table.add_row(
            entry.feed.key,
            entry.feed.family,
            f"{entry.files:,}",
            f"{entry.cpu_seconds:.2f}",
            f"{entry.seconds:.1f}",
        )
    table.add_section()
    cpu, wall = sum(entry.cpu_seconds for entry in listed), sum(entry.seconds for entry in listed)
    table.add_row("all", "", f"{sum(entry.files for entry in listed):,}", f"{cpu:.2f}", f"{wall:.1f}")
    Console(width=110).print(table)


def show_downloads(fetched: Fetched) -> None:
    table = Table(title=f"Downloading from {len(FETCHED_FROM)} portals at once", title_justify="left")
    for heading in ("files", "MB", "seconds", "files/s", "CPU s", "peak MB at 10 %", "peak MB at the end"):
        table.add_column(heading, justify="right")
    table.add_row(
        f"{fetched.files:,}",
        f"{fetched.bytes / MEGABYTE:,.0f}",
        f"{fetched.seconds:.1f}",
        f"{fetched.files / fetched.seconds:,.0f}",
        f"{fetched.cpu_seconds:.1f}",
        f"{fetched.early_mb:.0f}",
        f"{fetched.peak_mb:.0f}",
    )
    Console(width=110).print(table)


@click.command()
@click.option("--scale", default=1.0, help="Share of the files, for a short run; demands are for 1.")
def main(scale: float) -> None:
    """Measure both, and print the figures."""
    listed = list_all(scale)
    show_listings(listed)
    with temporary_folder() as folder:
        fetched = fetch_all(round(FILES * scale), folder)
    show_downloads(fetched)
    cpu = sum(entry.cpu_seconds for entry in listed)
    is_flat = fetched.peak_mb <= GROWTH * fetched.early_mb
    print("listing under 10 CPU s:", "yes" if cpu < LISTING_CPU_SECONDS else "NO")
    print("4,000 files under 240 s:", "yes" if fetched.seconds < DOWNLOAD_SECONDS * scale else "NO")
    print("memory flat:", "yes" if is_flat else "NO")
    finish(
        {
            "benchmark": "download",
            "scale": scale,
            "cores": psutil.cpu_count() or 0,
            "feeds_listed": len(listed),
            "files_listed": sum(entry.files for entry in listed),
            "listing_cpu_seconds": round(cpu, 2),
            "listing_seconds": round(sum(entry.seconds for entry in listed), 1),
            "files": fetched.files,
            "file_bytes": SIZE,
            "seconds": round(fetched.seconds, 1),
            "files_per_second": round(fetched.files / fetched.seconds, 1),
            "mb_per_second": round(fetched.bytes / MEGABYTE / fetched.seconds, 1),
            "cpu_seconds": round(fetched.cpu_seconds, 1),
            "peak_mb_at_10_percent": round(fetched.early_mb),
            "peak_mb_at_end": round(fetched.peak_mb),
            "memory_is_flat": is_flat,
        }
    )


if __name__ == "__main__":
    main()
