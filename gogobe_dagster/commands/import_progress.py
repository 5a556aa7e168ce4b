"""Starting import runs in a process of their own, and watching the ledger while they work."""

import json
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gogobe_dagster.commands.environment import clone_folder
from gogobe_dagster.commands.processes import Children, stopped_by_signals
from gogobe_dagster.errors import GogobeError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.model import FleetRow

LOOK_SECONDS = 0.5
WORKER = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one import run ended."""

    feed: str
    day: str
    run_id: str
    success: bool
    seconds: float
    reason: str = ""
    """What failed first, in words; empty where nothing did."""


class ImportStopped(GogobeError):
    """The process that works the runs off ended before its work."""


def import_cells(
    feeds: Sequence[Feed],
    days: Sequence[date],
    *,
    resources: Resources,
    environment: Mapping[str, str],
    console: Console,
) -> list[Outcome]:
    """Run the import job for every feed and day through Dagster, with a progress display.

    The runs' own logs go to `<home>/logs/import.log`. A run that fails does not stop the others. When
    this process is interrupted the runs are too; nothing is half done, and the next import goes on.
    Raises `ImportStopped`.
    """
    folder = resources.settings.folder
    cells = [f"{feed.key}|{day}" for feed in feeds for day in days]
    children = Children(logs=folder / "logs", environment=environment, folder=clone_folder())
    with tempfile.TemporaryDirectory() as desk, stopped_by_signals() as stop, children:
        told = Path(desk) / "outcomes.jsonl"
        told.touch()
        children.start(
            WORKER, [sys.executable, "-m", "gogobe_dagster.dagster_runtime.import_runner", told, *cells]
        )
        _watch(children, stop, feeds=feeds, days=days, resources=resources, console=console)
        outcomes = [Outcome(**json.loads(line)) for line in told.read_text().splitlines()]
    if len(outcomes) < len(cells):
        why = "was interrupted" if stop.is_set() else "stopped"
        done = f"{len(outcomes)} of {len(cells)} runs had ended"
        raise ImportStopped(
            f"the import {why}: {done}. Nothing is half done; import again to go on.\n"
            f"{children.log(WORKER)} says:\n{children.last_words(WORKER)}"
        )
    return outcomes


def _watch(
    children: Children,
    stop: threading.Event,
    *,
    feeds: Sequence[Feed],
    days: Sequence[date],
    resources: Resources,
    console: Console,
) -> None:
    """Show a bar for every feed: files that are where they end up, of files found."""
    columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bars = {feed.key: progress.add_task(feed.name, total=None, start=False) for feed in feeds}
        while True:
            has_ended = children.has_ended(WORKER)
            for row in resources.ledger.fleet(days):
                if row.feed in bars:
                    progress.start_task(bars[row.feed])
                    progress.update(bars[row.feed], total=found(row), completed=settled(row))
                    if found(row) == settled(row):
                        progress.stop_task(bars[row.feed])
            if has_ended or stop.wait(LOOK_SECONDS):
                return


def found(row: FleetRow) -> int:
    """Files that the portal showed."""
    return row.discovered + row.downloaded + row.parsed + settled(row)


def settled(row: FleetRow) -> int:
    """Files that are where they end up: in the tables, replaced, or set aside."""
    return row.loaded + row.superseded + row.quarantined
