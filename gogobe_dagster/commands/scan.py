"""`gogobe scan`: what the portals show now, and what of it the ledger does not know yet."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.commands.choices import chosen, feed_option
from gogobe_dagster.commands.opening import open_warehouse
from gogobe_dagster.equipment import Equipment
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds import Feed
from gogobe_dagster.identity import sight
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger import Sighting

AT_ONCE = 8


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
    code: str | None
    reason: str | None


@click.command()
@feed_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a feed, a line each.")
def scan(feeds: tuple[Feed, ...], as_json: bool) -> None:
    """List the portals now and show what is new. Nothing is recorded, fetched or changed.

    Exit code 1 if a portal could not be listed; the code says why.
    """
    equipment = open_warehouse(Settings.read())
    wanted = chosen(feeds)
    scans = list(track(_all(wanted, equipment), "Listing", total=len(wanted), console=Console(stderr=True)))
    scans.sort(key=lambda one: [feed.key for feed in wanted].index(one.feed))
    if as_json:
        for one in scans:
            click.echo(json.dumps(asdict(one), default=str, ensure_ascii=False))
    else:
        Console().print(_table(scans))
    if any(one.code for one in scans):
        raise SystemExit(1)


def _all(feeds: Sequence[Feed], equipment: Equipment) -> Iterator[Scan]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for ended in as_completed([pool.submit(scan_feed, feed, equipment) for feed in feeds]):
            yield ended.result()


def scan_feed(feed: Feed, equipment: Equipment) -> Scan:
    """List one portal; a failure is a scan with a code."""
    from gogobe_dagster.importing import list_portal

    now = equipment.clock()
    try:
        listed = list_portal(feed, [day_of(now)], equipment)
    except PortalError as error:
        return _scan(feed, [], new=0, error=error)
    stale_after = timedelta(days=equipment.settings.stale_after_days)
    seen = [sight(file, feed, now=now, asked=(), stale_after=stale_after) for file in listed]
    known = equipment.ledger.known_names(feed.key)
    new = sum(one.name not in known for one in seen)
    return _scan(feed, seen, new=new, error=None)


def _scan(feed: Feed, seen: Sequence[Sighting], *, new: int, error: PortalError | None) -> Scan:
    fulls = [one.published_at for one in seen if one.published_at and one.kind and one.kind.is_full]
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


def _table(scans: Sequence[Scan]) -> Table:
    table = Table(title="What the portals show now", title_justify="left", box=None, pad_edge=False)
    table.add_column("feed")
    table.add_column("portal")
    for name in ("listed", "new"):
        table.add_column(name, justify="right")
    table.add_column("kinds")
    table.add_column("newest full")
    table.add_column("failure")
    for one in scans:
        kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in one.by_kind.items())
        newest = f"{one.newest_full.astimezone(ISRAEL):%Y-%m-%d %H:%M}" if one.newest_full else ""
        failure = f"[red]{one.code}[/red]: {one.reason}" if one.code else ""
        table.add_row(one.feed, one.family, f"{one.listed:,}", f"{one.new:,}", kinds, newest, failure)
    return table
