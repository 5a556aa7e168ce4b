"""A replica that `gogobe replica` serves: what it publishes, and when.

Apart from the command, because loading the replica takes longer than showing a help text.
"""

import errno
import signal
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from threading import Event

import click

from gogobe_dagster import clock
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.printable import printable
from gogobe_dagster.replica.folder import fill_from_folder
from gogobe_dagster.replica.generator.chains import SyntheticChains
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.publication import Publications
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.replica.simulated_clock import SimulatedClock

STEP = timedelta(hours=1)
MINUTE = timedelta(minutes=1)  # the resolution of the times in file names


def serve_made_up_chains(
    server: Replica,
    feeds: Sequence[Feed],
    market: SyntheticMarket,
    portal_clock: SimulatedClock,
    *,
    days: int,
    stray_files: bool,
    keep_publishing: float | None,
) -> None:
    """Serve made-up files, which appear at the time in their names, until Ctrl-C or SIGTERM."""
    publications_by_feed = {feed.key: server.publications(feed.key) for feed in feeds}
    chains = SyntheticChains(publications_by_feed, feeds, market=market, days=days)
    first_day = clock.day_of(portal_clock()) - timedelta(days=days - 1)
    if stray_files:
        chains.publish_stray_files(first_day, portal_clock())
    if keep_publishing:
        steps = _HourByHour(chains, portal_clock, first_day)
        serve(server, every=keep_publishing, publish=steps.publish_next)
        return
    chains.follow(portal_clock)
    portal_clock.when_moved(lambda: chains.follow(portal_clock))
    serve(
        server,
        every=1,
        publish=lambda: _report(portal_clock(), chains.follow(portal_clock, at_least=MINUTE)),
    )


class _HourByHour:
    """Publishes the files of one more hour at each step, until it has caught up with the portals' clock."""

    def __init__(self, chains: SyntheticChains, portal_clock: SimulatedClock, first_day: date) -> None:
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


def open_replica(
    feeds: Sequence[Feed], port: int, faults: Sequence[str], portal_clock: SimulatedClock
) -> Replica:
    """Make a replica without files, with its faults switched on. Raises `UsageError` for an unknown fault."""
    server = Replica({feed.key: Publications() for feed in feeds}, port=port, clock=portal_clock)
    for fault in faults:
        name, _, feed = fault.partition(":")
        try:
            server.faults.switch_on(name, feed=feed or None)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    return server


def serve(server: Replica, *, every: float | None, publish: Callable[[], None]) -> None:
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


def serve_folder(server: Replica, folder: Path, feeds: Sequence[Feed]) -> None:
    """Serve the real files of a folder until Ctrl-C or SIGTERM."""
    unassigned = fill_from_folder({feed.key: server.publications(feed.key) for feed in feeds}, folder, feeds)
    if unassigned:
        click.echo(
            f"{len(unassigned)} files belong to none of these feeds, such as {printable(str(unassigned[0]))}",
            err=True,
        )
    serve(server, every=None, publish=lambda: None)


def _morning(first_day: date, now: datetime) -> datetime:
    """Return 06:00 on the first day, when full files are published and deltas are not."""
    return min(now, datetime.combine(first_day, time(6), clock.ISRAEL))
