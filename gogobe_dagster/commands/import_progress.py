"""Starts import runs in a process of their own and shows their progress from the ledger."""

import json
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gogobe_dagster.commands.environment import clone_folder
from gogobe_dagster.commands.processes import ManagedProcesses, stop_on_signals
from gogobe_dagster.errors import GogobeError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.selection import EVERYTHING, FileSelection
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.ledger.model import FeedHealth
from gogobe_dagster.warehouse.schema.enums import OPEN_STATES

REFRESH_SECONDS = 0.5
WORKER = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of one import run."""

    feed: str
    day: str
    run_id: str
    success: bool
    seconds: float
    reason: str = ""
    """The first failure; empty if the run succeeded."""


class ImportStopped(GogobeError):
    """The process that executes the runs ended before all were done."""


def import_partitions(
    feeds: Sequence[Feed],
    days: Sequence[date],
    *,
    resources: Resources,
    environment: Mapping[str, str],
    console: Console,
    selection: FileSelection = EVERYTHING,
) -> list[Outcome]:
    """Run the import job for every feed and day through Dagster, with a progress display.

    The log is `<home>/logs/import.log`. A failed run does not stop the others. Interrupting this process
    interrupts the runs; no file is loaded partially, and the next import continues. Raises `ImportStopped`.
    """
    folder = resources.settings.folder
    partitions = [f"{feed.key}|{day}" for feed in feeds for day in days]
    processes = ManagedProcesses(logs=folder / "logs", environment=environment, folder=clone_folder())
    with tempfile.TemporaryDirectory() as temporary, stop_on_signals() as stop, processes:
        outcomes_file = Path(temporary) / "outcomes.jsonl"
        outcomes_file.touch()
        processes.start(
            WORKER,
            [
                sys.executable,
                "-m",
                "gogobe_dagster.dagster_runtime.import_runner",
                f"--selection={json.dumps(selection.values)}",
                outcomes_file,
                *partitions,
            ],
        )
        counts = partial(_progress_of, feeds, days, resources, selection)
        _show_progress(processes, stop, feeds, counts, console)
        outcomes = [Outcome(**json.loads(line)) for line in outcomes_file.read_text().splitlines()]
    if len(outcomes) < len(partitions):
        why = "was interrupted" if stop.is_set() else "stopped"
        done = f"{len(outcomes)} of {len(partitions)} runs had ended"
        raise ImportStopped(
            f"the import {why}: {done}. No file is loaded partially; import again to continue.\n"
            f"Last lines of {processes.log(WORKER)}:\n{processes.last_lines(WORKER)}"
        )
    return outcomes


Progression = Mapping[str, tuple[int, int]]
"""By feed: the number of files in a final state, and of all that the runs take."""


def _progress_of(
    feeds: Sequence[Feed], days: Sequence[date], resources: Resources, selection: FileSelection
) -> Progression:
    from gogobe_dagster.pipeline import selected

    if not selection.is_partial:
        return {row.feed: (settled(row), found(row)) for row in resources.ledger.feed_health(days)}
    files = {feed.key: selected(feed, days, resources, selection) for feed in feeds}
    return {
        feed: (sum(file.state not in OPEN_STATES for file in taken), len(taken))
        for feed, taken in files.items()
        if taken
    }


def _show_progress(
    processes: ManagedProcesses,
    stop: threading.Event,
    feeds: Sequence[Feed],
    counts: Callable[[], Progression],
    console: Console,
) -> None:
    """Show a bar per feed: files in a final state, of all files that the runs take."""
    columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bars = {feed.key: progress.add_task(feed.name, total=None, start=False) for feed in feeds}
        while True:
            has_ended = processes.has_ended(WORKER)
            for key, (completed, total) in counts().items():
                if key in bars:
                    progress.start_task(bars[key])
                    progress.update(bars[key], total=total, completed=completed)
                    if completed == total:
                        progress.stop_task(bars[key])
            if has_ended or stop.wait(REFRESH_SECONDS):
                return


def found(row: FeedHealth) -> int:
    """Return the number of files that the portal listed."""
    return row.discovered + row.downloaded + row.parsed + settled(row)


def settled(row: FeedHealth) -> int:
    """Return the number of files in a final state: loaded, superseded or quarantined."""
    return row.loaded + row.superseded + row.quarantined
