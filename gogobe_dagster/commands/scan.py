"""`gogobe scan`: lists the portals and shows which files are new to the ledger, or who answers at all."""

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
from rich.text import Text

from gogobe_dagster.clock import ISRAEL, day_of
from gogobe_dagster.commands.bootstrap import open_warehouse
from gogobe_dagster.commands.disabled import print_disabled
from gogobe_dagster.commands.options import FeedCommand, feed_option, selected_feeds
from gogobe_dagster.commands.tables import Column, failure, fitted_table, open_console
from gogobe_dagster.errors import PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.model import ListedFile

PARALLEL_LISTINGS = 8
JSON_KEYS = ("feed", "family", "state", "listed", "new", "by_kind", "newest_full_at", "code")
"""The keys of --json, which are a stable interface."""
COLUMNS = (
    Column("feed"),
    Column("portal", is_optional=True),
    Column("listed", justify="right"),
    Column("new", justify="right"),
    Column("kinds", wraps=True, is_optional=True),
    Column("newest_full"),
    Column("age", justify="right"),
    Column("failure", wraps=True),
)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalScan:
    """What one portal lists now."""

    feed: str
    family: str
    state: str
    """ok, or failed: then there is a code."""
    listed: int
    new: int
    by_kind: dict[str, int]
    newest_full_at: datetime | None
    """When the newest full price file was published."""
    code: str | None
    reason: str | None


@click.command(cls=FeedCommand)
@feed_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per feed and line.")
@click.option("--probe", is_flag=True, help="Only ask who answers: one page of each portal, no files.")
def scan(feeds: tuple[Feed, ...], *, as_json: bool, probe: bool) -> None:
    """List the portals and show which files are new. Nothing is recorded, downloaded or changed.

    Shows for each feed the files by kind, the newest full price file with its age, and how many files are
    not in the ledger. A portal that fails does not stop the others. Exit code 0 if all portals could be
    listed; 1 if at least one could not; 2 for wrong options. Starts the embedded PostgreSQL, which knows
    the files; `gogobe down` stops it.

    With --probe, asks each portal for the first page of its listing and shows who answers this machine:
    answers; refused (the portal answers others, such as callers in Israel); no_answer (unknown host, refused
    connection, no TLS). The answers are kept: the last 20 of each feed, in the table portal_probe. Takes
    half a minute at most, for Cerberus up to a minute. Exit code 1 if at least one portal does not answer.
    """
    resources = open_warehouse(Settings.read())
    selected = selected_feeds(feeds)
    if probe:
        from gogobe_dagster.commands.scan_probe import probe_and_print

        probe_and_print(selected, resources, as_json=as_json)
        return
    scans = list(
        track(_all(selected, resources), "Listing", total=len(selected), console=Console(stderr=True))
    )
    scans.sort(key=lambda scan: [feed.key for feed in selected].index(scan.feed))
    if as_json:
        for portal_scan in scans:
            click.echo(_json(portal_scan))
    else:
        console = open_console()
        console.print(_table(console, scans, now=resources.clock()))
        if not feeds:
            print_disabled(with_reasons=False)
    if any(portal_scan.code for portal_scan in scans):
        raise SystemExit(1)


def _all(feeds: Sequence[Feed], resources: Resources) -> Iterator[PortalScan]:
    with ThreadPoolExecutor(PARALLEL_LISTINGS) as pool:
        for ended in as_completed([pool.submit(scan_feed, feed, resources) for feed in feeds]):
            yield ended.result()


def scan_feed(feed: Feed, resources: Resources) -> PortalScan:
    """List one portal; if it fails, the result has a code."""
    from gogobe_dagster.identity import classify_listing
    from gogobe_dagster.pipeline import list_portal

    now = resources.clock()
    try:
        listed = list_portal(feed, [day_of(now)], resources)
    except PortalError as error:
        return _scan(feed, [], new=0, error=error)
    stale_after = timedelta(days=resources.settings.stale_after_days)
    seen = [classify_listing(file, feed, now=now, requested=(), stale_after=stale_after) for file in listed]
    known = resources.ledger.known_names(feed.key)
    new = sum(file.name not in known for file in seen)
    return _scan(feed, seen, new=new, error=None)


def _scan(feed: Feed, seen: Sequence[ListedFile], *, new: int, error: PortalError | None) -> PortalScan:
    fulls = [
        file.published_at
        for file in seen
        if file.published_at and file.kind is FileKind.FULL_PRICES and not file.problem
    ]
    return PortalScan(
        feed=feed.key,
        family=feed.family.value,
        state="failed" if error else "ok",
        listed=len(seen),
        new=new,
        by_kind=dict(Counter(file.kind.value if file.kind else "unknown" for file in seen)),
        newest_full_at=max(fulls, default=None),
        code=error.code.value if error else None,
        reason=error.reason if error else None,
    )


def _json(scan: PortalScan) -> str:
    newest = scan.newest_full_at.astimezone(ISRAEL).isoformat() if scan.newest_full_at else None
    values = {name: getattr(scan, name) for name in JSON_KEYS} | {"newest_full_at": newest}
    return json.dumps(values, ensure_ascii=False)


def _table(console: Console, scans: Sequence[PortalScan], *, now: datetime) -> Table:
    return fitted_table(
        console, "Files that the portals list now", COLUMNS, [_cells(scan, now=now) for scan in scans]
    )


def _cells(scan: PortalScan, *, now: datetime) -> list[str | Text]:
    newest = scan.newest_full_at
    return [
        scan.feed,
        scan.family,
        f"{scan.listed:,}",
        f"{scan.new:,}",
        ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in scan.by_kind.items()),
        f"{newest.astimezone(ISRAEL):%m-%d %H:%M}" if newest else "",
        _age(now - newest) if newest else "",
        failure(scan.code, scan.reason or "") if scan.code else "",
    ]


def _age(age: timedelta) -> str:
    """Format an age in minutes, hours or days."""
    if age < 2 * HOUR:
        return f"{age // timedelta(minutes=1)} min"
    return f"{age // HOUR} h" if age < 72 * HOUR else f"{age.days} days"
