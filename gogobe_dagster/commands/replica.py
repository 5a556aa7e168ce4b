"""`gogobe replica`: serves copies of the portals on loopback, with made-up or real files."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from gogobe_dagster.commands.options import FiniteNumber, WholeNumber, feed_option, selected_feeds
from gogobe_dagster.feeds.registry import Family, Feed

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
    from gogobe_dagster.commands.replica_session import open_replica, serve_folder, serve_made_up_chains
    from gogobe_dagster.replica.generator.market import SyntheticMarket
    from gogobe_dagster.replica.simulated_clock import SimulatedClock

    feeds = [feed for feed in selected_feeds(feeds) if not families or feed.family in families]
    portal_clock = SimulatedClock(start, speed=speed)
    server = open_replica(feeds, port, faults, portal_clock)
    if folder is not None:
        serve_folder(server, folder, feeds)
        return
    market = SyntheticMarket(seed=seed, scale=scale)
    serve_made_up_chains(
        server,
        feeds,
        market,
        portal_clock,
        days=days,
        stray_files=stray_files,
        keep_publishing=keep_publishing,
    )


def _list_faults() -> None:
    from gogobe_dagster.replica.faults import FAULTS

    for name, kind in FAULTS.items():
        click.echo(f"{name:26} {', '.join(sorted(kind.families)):26} {kind.meaning}")
