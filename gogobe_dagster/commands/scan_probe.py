"""`gogobe scan --probe`: asks each portal for one page and shows who answers this machine."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.commands.tables import add_row, failure, open_console, plain_table
from gogobe_dagster.feeds.registry import Feed, find_feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.portal_probes import PortalProbe, record_probes
from gogobe_dagster.warehouse.schema.enums import Reach


def probe_and_print(feeds: Sequence[Feed], resources: Resources, *, as_json: bool) -> None:
    """Probe, keep and print the answers. Raises `SystemExit` with 1 if a portal does not answer."""
    from gogobe_dagster.monitoring.reachability import probe_portals

    with Console(stderr=True).status(f"Asking {len(feeds)} portals"):
        probes = list(probe_portals(feeds, resources))
    record_probes(resources.engine, probes)
    if as_json:
        for probe in probes:
            click.echo(_json(probe))
    else:
        open_console().print(_table(probes))
        click.echo(f"\n{_summary(probes)}")
    if any(probe.reach is not Reach.ANSWERS for probe in probes):
        raise SystemExit(1)


def _json(probe: PortalProbe) -> str:
    probed_at = probe.probed_at.astimezone(ISRAEL).isoformat(timespec="seconds")
    known = {"israel_only": find_feed(probe.feed).is_israel_only}
    return json.dumps(asdict(probe) | {"probed_at": probed_at} | known, ensure_ascii=False)


def _table(probes: Sequence[PortalProbe]) -> Table:
    table = plain_table("Which portals answer this machine")
    table.add_column("feed", no_wrap=True)
    table.add_column("answer", no_wrap=True)
    table.add_column("known to\nanswer", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("failure")
    for probe in probes:
        known = "in Israel" if find_feed(probe.feed).is_israel_only else "anywhere"
        problem = failure(probe.code, probe.reason or "") if probe.code else ""
        add_row(table, probe.feed, probe.reach, known, f"{probe.seconds:.1f}", problem)
    return table


def _summary(probes: Sequence[PortalProbe]) -> str:
    """Count the answers, and say whether this machine seems to be in Israel."""
    counts = ", ".join(
        f"{sum(probe.reach is reach for probe in probes)} {text}"
        for reach, text in (
            (Reach.ANSWERS, "answer"),
            (Reach.REFUSED, "refuse this machine"),
            (Reach.NO_ANSWER, "do not answer"),
        )
    )
    by_place = {probe.reach for probe in probes if find_feed(probe.feed).is_israel_only}
    if Reach.ANSWERS in by_place:
        return f"{counts}. Portals that answer in Israel only answer this machine."
    if Reach.REFUSED in by_place:
        return f"{counts}. Portals that answer in Israel only refuse this machine: its address seems foreign."
    return f"{counts}."
