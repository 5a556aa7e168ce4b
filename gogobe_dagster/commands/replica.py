"""`gogobe replica`: serves copies of the portals on loopback, with made-up or real files."""

import errno
import signal
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from gogobe_dagster import clock
from gogobe_dagster.commands.options import FiniteNumber, WholeNumber, feed_option, selected_feeds
from gogobe_dagster.feeds.registry import Family, Feed

if TYPE_CHECKING:
    from gogobe_dagster.replica.generator.chains import SyntheticChains
    from gogobe_dagster.replica.generator.market import SyntheticMarket
    from gogobe_dagster.replica.server import Replica
    from gogobe_dagster.replica.simulated_clock import SimulatedClock

STEP = timedelta(hours=1)
MINUTE = timedelta(minutes=1)  # the resolution of the times in file names
EPILOG = """\b
Examples:
  gogobe replica
  gogobe replica --feed shufersal --feed rami_levy --keep-publishing 60
  gogobe replica --folder ~/downloads
  gogobe replica --feed carrefour --now 2026-11-20T23:50 --speed 60
  gogobe replica --fault truncated_gzip:rami_levy --fault slow_page
"""


def _parse_time(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    from gogobe_dagster.replica.simulated_clock import parse_time

    try:
        return parse_time(text) if text else None
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a valid time; use a form such as 2026-11-20T23:50"
        ) from None


@click.command(epilog=EPILOG)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Serve the real files in this folder instead of made-up ones. They are named FOLDER/FEED/NAME, "
    "or are in any subfolder; then the chain id in the name determines the feed.",
)
@feed_option
@click.option(
    "--family",
    "families",
    multiple=True,
    type=click.Choice([family.value for family in Family]),
    help="Only feeds of this portal family; may be repeated.",
)
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=WholeNumber(0, 65535),
    help="Port on 127.0.0.1; 0 chooses a free one.",
)
@click.option(
    "--scale",
    default=0.02,
    show_default=True,
    type=FiniteNumber(min=0, min_open=True, max=1),
    help="Size of the made-up chains; 1 is about the size of the real ones.",
)
@click.option("--seed", default=1, show_default=True, help="Seed of the made-up stores and prices.")
@click.option(
    "--days",
    default=2,
    show_default=True,
    type=WholeNumber(1, 90),
    help="Number of days to publish, ending today.",
)
@click.option(
    "--odd-files",
    "stray_files",
    is_flag=True,
    help="Also publish files as real portals do by mistake: placeholders, leftovers, files of other chains.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[:FEED]",
    help="Simulate a fault at one feed or at all feeds; may be repeated. `--fault help` lists the names.",
)
@click.option(
    "--keep-publishing",
    metavar="SECONDS",
    type=FiniteNumber(min=0, min_open=True),
    help="Start with the files of the first morning and publish those of one more hour every SECONDS; "
    "after catching up with the clock, publish files when they are due.",
)
@click.option(
    "--now",
    "start",
    callback=_parse_time,
    metavar="TIME",
    help="Time at the portals when the replica starts, such as 2026-11-20T23:50.",
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=FiniteNumber(min=0),
    help="Seconds at the portals per real second: 60 simulates an hour in a minute, 0 stops the clock.",
)
def replica(
    *,
    folder: Path | None,
    feeds: Sequence[Feed],
    families: Sequence[str],
    port: int,
    scale: float,
    seed: int,
    days: int,
    stray_files: bool,
    faults: Sequence[str],
    keep_publishing: float | None,
    start: datetime | None,
    speed: float,
) -> None:
    """Run copies of the price portals on this machine.

    They have the logins, pages, limits, file names and formats of the real portals. Made-up files appear
    at the time in their names; real files are read from a folder. With GOGOBE_REPLICA_URL set as printed,
    all gogobe commands use the replica instead of the internet. A web page at the same address lists the
    published files. Stop with Ctrl-C.

    POST /control/clock sets the clock: {"now": "2026-11-20T23:50", "forward": 600, "speed": 60}.
    """
    if "help" in faults:
        _list_faults()
        return
    from gogobe_dagster.replica.generator.market import SyntheticMarket
    from gogobe_dagster.replica.simulated_clock import SimulatedClock

    feeds = [feed for feed in selected_feeds(feeds) if not families or feed.family in families]
    portal_clock = SimulatedClock(start, speed=speed)
    server = _replica(feeds, port, faults, portal_clock)
    if folder is not None:
        _fill_from_folder(server, folder, feeds)
        _serve(server, every=None, publish=lambda: None)
        return
    market = SyntheticMarket(seed=seed, scale=scale)
    _serve_made_up_chains(
        server,
        feeds,
        market,
        portal_clock,
        days=days,
        stray_files=stray_files,
        keep_publishing=keep_publishing,
    )


def _serve_made_up_chains(
    server: "Replica",
    feeds: Sequence[Feed],
    market: "SyntheticMarket",
    portal_clock: "SimulatedClock",
    *,
    days: int,
    stray_files: bool,
    keep_publishing: float | None,
) -> None:
    from gogobe_dagster.replica.generator.chains import SyntheticChains

    publications_by_feed = {feed.key: server.publications(feed.key) for feed in feeds}
    chains = SyntheticChains(publications_by_feed, feeds, market=market, days=days)
    first_day = clock.day_of(portal_clock()) - timedelta(days=days - 1)
    if stray_files:
        chains.publish_stray_files(first_day, portal_clock())
    if keep_publishing:
        steps = _HourByHour(chains, portal_clock, first_day)
        _serve(server, every=keep_publishing, publish=steps.publish_next)
        return
    chains.follow(portal_clock)
    portal_clock.when_moved(lambda: chains.follow(portal_clock))
    _serve(
        server,
        every=1,
        publish=lambda: _report(portal_clock(), chains.follow(portal_clock, at_least=MINUTE)),
    )


class _HourByHour:
    """Publishes the files of one more hour at each step, until it has caught up with the portals' clock."""

    def __init__(self, chains: "SyntheticChains", portal_clock: "SimulatedClock", first_day: date) -> None:
        self._chains = chains
        self._portal_clock = portal_clock
        self._first_day = first_day
        self._published_until = _morning(first_day, portal_clock())
        chains.publish(self._published_until, first_day=first_day)

    def publish_next(self) -> None:
        self._published_until = min(self._portal_clock(), self._published_until + STEP)
        new = self._chains.publish(self._published_until, first_day=self._first_day)
        click.echo(f"{self._published_until:%Y-%m-%d %H:%M}  {new} new files")


def _report(now: datetime, new: int) -> None:
    if new:
        click.echo(f"{now:%Y-%m-%d %H:%M}  {new} new files")


def _replica(
    feeds: Sequence[Feed], port: int, faults: Sequence[str], portal_clock: "SimulatedClock"
) -> "Replica":
    from gogobe_dagster.replica.publication import Publications
    from gogobe_dagster.replica.server import Replica

    server = Replica({feed.key: Publications() for feed in feeds}, port=port, clock=portal_clock)
    for fault in faults:
        name, _, feed = fault.partition(":")
        try:
            server.faults.switch_on(name, feed=feed or None)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    return server


def _serve(server: "Replica", *, every: float | None, publish: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        server.start()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise click.ClickException(
            f"{error.strerror}: {server.url}; choose another port with --port."
        ) from None
    click.echo(f"The portals are at {server.url}/ until Ctrl-C. In another terminal:")
    click.echo(f"export GOGOBE_REPLICA_URL={server.url}")
    if server.has_ftp:
        click.echo(
            f"Cerberus accounts are also served at {server.ftp_url}; gogobe commands find it by themselves."
        )
    try:
        while not stop.wait(every):
            publish()
    finally:
        server.stop()


def _fill_from_folder(server: "Replica", folder: Path, feeds: Sequence[Feed]) -> None:
    from gogobe_dagster.replica.folder import fill_from_folder

    unassigned = fill_from_folder({feed.key: server.publications(feed.key) for feed in feeds}, folder, feeds)
    if unassigned:
        click.echo(
            f"{len(unassigned)} files belong to none of these feeds, such as {unassigned[0]}", err=True
        )


def _list_faults() -> None:
    from gogobe_dagster.replica.faults import FAULTS

    for name, kind in FAULTS.items():
        click.echo(f"{name:26} {', '.join(sorted(kind.families)):26} {kind.meaning}")


def _morning(first_day: date, now: datetime) -> datetime:
    """Return 06:00 on the first day, when full files are published and deltas are not."""
    return min(now, datetime.combine(first_day, time(6), clock.ISRAEL))
