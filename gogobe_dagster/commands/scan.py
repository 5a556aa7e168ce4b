"""`gogobe scan`: what the portals show now, and what of it the ledger does not know yet."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.disabled import disabled_table
from gogobe_dagster.commands.options import OfFeeds, chosen, feed_option
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.identity import classify_listing
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import Sighting

AT_ONCE = 8
TOLD = ("feed", "family", "state", "listed", "new", "by_kind", "newest_full", "code")
"""The keys of --json, which people may build on."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What one portal shows now."""

    feed: str
    family: str
    state: str
    """ok, or failed with the code."""
    listed: int
    new: int
    by_kind: dict[str, int]
    newest_full: datetime | None
    """The newest stamp of a full price file."""
    code: str | None
    reason: str | None


@click.command(cls=OfFeeds)
@feed_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a feed, a line each.")
def scan(feeds: tuple[Feed, ...], as_json: bool) -> None:
    """List the portals now and show what is new. Nothing is recorded, fetched or changed.

    For each feed: files by kind, the newest full price file and its age, what the ledger does not know
    yet. A portal that fails does not stop the others. Exit code 0: all were listed; 1: at least one could
    not be, and its code says why; 2: wrong options.
    """
    resources = open_warehouse(Settings.read())
    wanted = chosen(feeds)
    scans = list(track(_all(wanted, resources), "Listing", total=len(wanted), console=Console(stderr=True)))
    scans.sort(key=lambda one: [feed.key for feed in wanted].index(one.feed))
    if as_json:
        for one in scans:
            click.echo(_json(one))
    else:
        Console().print(_table(scans, now=resources.clock()))
        if not feeds:
            Console().print(disabled_table())
    if any(one.code for one in scans):
        raise SystemExit(1)


def _all(feeds: Sequence[Feed], resources: Resources) -> Iterator[Scan]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for ended in as_completed([pool.submit(scan_feed, feed, resources) for feed in feeds]):
            yield ended.result()


def scan_feed(feed: Feed, resources: Resources) -> Scan:
    """List one portal; a failure is a scan with a code."""
    from gogobe_dagster.pipeline import list_portal

    now = resources.clock()
    try:
        listed = list_portal(feed, [day_of(now)], resources)
    except PortalError as error:
        return _scan(feed, [], new=0, error=error)
    stale_after = timedelta(days=resources.settings.stale_after_days)
    seen = [classify_listing(file, feed, now=now, asked=(), stale_after=stale_after) for file in listed]
    known = resources.ledger.known_names(feed.key)
    new = sum(one.name not in known for one in seen)
    return _scan(feed, seen, new=new, error=None)


def _scan(feed: Feed, seen: Sequence[Sighting], *, new: int, error: PortalError | None) -> Scan:
    fulls = [
        one.published_at
        for one in seen
        if one.published_at and one.kind is FileKind.FULL_PRICES and not one.problem
    ]
    return Scan(
        feed=feed.key,
        family=feed.family.value,
        state="failed" if error else "ok",
        listed=len(seen),
        new=new,
        by_kind=dict(Counter(one.kind.value if one.kind else "unknown" for one in seen)),
        newest_full=max(fulls, default=None),
        code=error.code.value if error else None,
        reason=error.reason if error else None,
    )


def _json(one: Scan) -> str:
    newest = one.newest_full.astimezone(ISRAEL).isoformat() if one.newest_full else None
    told = {name: getattr(one, name) for name in TOLD} | {"newest_full": newest}
    return json.dumps(told, ensure_ascii=False)


def _table(scans: Sequence[Scan], *, now: datetime) -> Table:
    table = Table(title="What the portals show now", title_justify="left", box=None, pad_edge=False)
    table.add_column("feed", no_wrap=True)
    table.add_column("portal")
    for name in ("listed", "new"):
        table.add_column(name, justify="right")
    table.add_column("kinds")
    table.add_column("newest full", no_wrap=True)
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("failure")
    for one in scans:
        kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in one.by_kind.items())
        newest = f"{one.newest_full.astimezone(ISRAEL):%m-%d %H:%M}" if one.newest_full else ""
        age = _age(now - one.newest_full) if one.newest_full else ""
        failure = f"[red]{one.code}[/red]: {one.reason}" if one.code else ""
        table.add_row(one.feed, one.family, f"{one.listed:,}", f"{one.new:,}", kinds, newest, age, failure)
    return table


def _age(age: timedelta) -> str:
    """Say an age as people do: minutes, hours, days."""
    if age < 2 * HOUR:
        return f"{age // timedelta(minutes=1)} min"
    return f"{age // HOUR} h" if age < 72 * HOUR else f"{age.days} days"
