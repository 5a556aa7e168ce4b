"""`gogobe replica`: the portals on loopback, with made-up chains or a folder of real files."""

import errno
import signal
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from gogobe_dagster import clock
from gogobe_dagster.commands.options import chosen, feed_option
from gogobe_dagster.feeds.registry import Family, Feed

if TYPE_CHECKING:
    from gogobe_dagster.replica.generator.chains import MadeUpChains
    from gogobe_dagster.replica.server import Replica
    from gogobe_dagster.replica.simulated_clock import MovingClock

STEP = timedelta(hours=1)
MINUTE = timedelta(minutes=1)  # names tell minutes; looking more often finds little
EPILOG = """\b
Examples:
  gogobe replica
  gogobe replica --feed shufersal --feed rami_levy --keep-publishing 60
  gogobe replica --folder ~/downloads
  gogobe replica --feed carrefour --now 2026-11-20T23:50 --speed 60
  gogobe replica --fault truncated_gzip:rami_levy --fault slow_page
"""


def _moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    from gogobe_dagster.replica.simulated_clock import moment_of

    try:
        return moment_of(text) if text else None
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time such as 2026-11-20T23:50") from None


@click.command(epilog=EPILOG)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Serve the real files in this folder, as they are, instead of made-up ones: either "
    "FOLDER/FEED/NAME, or in any order, and then the chain id in the name tells the feed.",
)
@feed_option
@click.option(
    "--family",
    "families",
    multiple=True,
    type=click.Choice([family.value for family in Family]),
    help="Only feeds of this kind of portal; may be repeated.",
)
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option(
    "--scale",
    default=0.02,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True, max=1),
    help="Size of the made-up chains; 1 is about the size of the real ones.",
)
@click.option("--seed", default=1, show_default=True, help="Another seed, other stores and prices.")
@click.option(
    "--days",
    default=2,
    show_default=True,
    type=click.IntRange(1, 90),
    help="How many days are published; the last is today.",
)
@click.option(
    "--odd-files",
    is_flag=True,
    help="Also publish what real portals publish by mistake: placeholders, leftovers, foreign files.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[:FEED]",
    help="Let something go wrong at one feed or at all; may be repeated. `--fault help` lists the names.",
)
@click.option(
    "--keep-publishing",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    help="Begin with the files of the first morning, and every SECONDS publish what the chains published "
    "in the hour after; when that has caught up with the clock, what is due.",
)
@click.option(
    "--now",
    "start",
    callback=_moment,
    metavar="TIME",
    help="What time it is at the portals, such as 2026-11-20T23:50; then it goes on from there.",
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds at the portals for each second here; 60 plays an hour in a minute, 0 stands still.",
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
    odd_files: bool,
    faults: Sequence[str],
    keep_publishing: float | None,
    start: datetime | None,
    speed: float,
) -> None:
    """Run copies of the price portals on this machine.

    They behave like the real ones: logins, pages, limits, file names, formats. The files are made up, and
    appear when the clock passes the time in their names; or they come from a folder. Set
    GOGOBE_REPLICA_URL as printed, and every other gogobe command reads from here instead of the internet. A
    web page at the same address shows what is published. Stop with Ctrl-C.

    POST /control/clock moves the clock: {"now": "2026-11-20T23:50", "forward": 600, "speed": 60}.
    """
    if "help" in faults:
        _list_faults()
        return
    from gogobe_dagster.replica.generator.chains import MadeUpChains
    from gogobe_dagster.replica.generator.market import Market
    from gogobe_dagster.replica.simulated_clock import MovingClock

    feeds = [feed for feed in chosen(feeds) if not families or feed.family in families]
    time_there = MovingClock(start, speed=speed)
    server = _replica(feeds, port, faults, time_there)
    if folder is not None:
        _fill_from_folder(server, folder, feeds)
        _serve(server, every=None, publish=lambda: None)
        return
    market = Market(seed=seed, scale=scale)
    chains = MadeUpChains(
        {feed.key: server.shelf(feed.key) for feed in feeds}, feeds, market=market, days=days
    )
    first_day = clock.day_of(time_there()) - timedelta(days=days - 1)
    if odd_files:
        chains.publish_odd_files(first_day, time_there())
    if keep_publishing:
        steps = _HourByHour(chains, time_there, first_day)
        _serve(server, every=keep_publishing, publish=steps.publish_next)
        return
    chains.follow(time_there)
    time_there.when_moved(lambda: chains.follow(time_there))
    _serve(server, every=1, publish=lambda: _tell(time_there, chains.follow(time_there, at_least=MINUTE)))


class _HourByHour:
    """The clock of the files lags behind that of the portals, and goes an hour a step."""

    def __init__(self, chains: "MadeUpChains", time_there: "MovingClock", first_day: date) -> None:
        self._chains = chains
        self._time_there = time_there
        self._first_day = first_day
        self._moment = _morning(first_day, time_there())
        chains.publish(self._moment, first_day=first_day)

    def publish_next(self) -> None:
        self._moment = min(self._time_there(), self._moment + STEP)
        new = self._chains.publish(self._moment, first_day=self._first_day)
        click.echo(f"{self._moment:%Y-%m-%d %H:%M}  {new} new files")


def _tell(time_there: "MovingClock", new: int) -> None:
    if new:
        click.echo(f"{time_there():%Y-%m-%d %H:%M}  {new} new files")


def _replica(feeds: Sequence[Feed], port: int, faults: Sequence[str], time_there: "MovingClock") -> "Replica":
    from gogobe_dagster.replica.publication import Shelf
    from gogobe_dagster.replica.server import Replica

    server = Replica({feed.key: Shelf() for feed in feeds}, port=port, clock=time_there)
    for fault in faults:
        name, _, feed = fault.partition(":")
        try:
            server.faults.switch_on(name, feed=feed or None)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    return server


def _serve(server: "Replica", *, every: float | None, publish: Callable[[], None]) -> None:
    """Answer until Ctrl-C or SIGTERM."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        server.start()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise click.ClickException(f"{error.strerror}: {server.url}; choose another --port, or 0.") from None
    click.echo(f"The portals are at {server.url}/ until Ctrl-C. In another terminal:")
    click.echo(f"export GOGOBE_REPLICA_URL={server.url}")
    if server.has_ftp:
        click.echo(f"The Cerberus accounts are at {server.ftp_url} too; our commands find it by themselves.")
    try:
        while not stop.wait(every):
            publish()
    finally:
        server.stop()


def _fill_from_folder(server: "Replica", folder: Path, feeds: Sequence[Feed]) -> None:
    from gogobe_dagster.replica.folder import fill_from_folder

    strangers = fill_from_folder({feed.key: server.shelf(feed.key) for feed in feeds}, folder, feeds)
    if strangers:
        click.echo(f"{len(strangers)} files belong to none of these feeds, such as {strangers[0]}", err=True)


def _list_faults() -> None:
    from gogobe_dagster.replica.faults import FAULTS

    for name, kind in FAULTS.items():
        click.echo(f"{name:26} {', '.join(sorted(kind.families)):26} {kind.meaning}")


def _morning(first_day: date, now: datetime) -> datetime:
    """Six o'clock on the first day: the fulls are out, the deltas are not."""
    return min(now, datetime.combine(first_day, time(6), clock.ISRAEL))
