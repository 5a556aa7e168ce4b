"""Starts import runs in a process of their own and shows their progress from the ledger."""

import json
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import OperationalError

from gogobe_dagster.commands.processes import ManagedProcesses, end_leftovers, stop_on_signals
from gogobe_dagster.commands.waits import Waits, wait_of_runs
from gogobe_dagster.dagster_runtime.environment import configuration_folder
from gogobe_dagster.errors import GogobeError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.selection import EVERYTHING, FileSelection
from gogobe_dagster.postgres.server import dagster_url, libpq_url, warehouse_url
from gogobe_dagster.resources import Resources
from gogobe_dagster.warehouse.schema.enums import OPEN_STATES

REFRESH_SECONDS = 0.5
WORKER = "import"
END_AT_ONCE = ((signal.SIGUSR1, 1.5), (signal.SIGKILL, 2.0))
"""The runner marks its run as canceled; if it does not get to that, the next import marks it as failed."""
NOTHING_GOES_ON = "nothing goes on in the background, no file is loaded partially, and"


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
    ends the runs at once; no file is loaded partially, and the next import continues. Raises `ImportStopped`.
    """
    folder = resources.settings.folder
    partitions = [f"{feed.key}|{day}" for feed in feeds for day in days]
    end_leftovers(folder)
    processes = ManagedProcesses(
        logs=folder / "logs", environment=environment, folder=configuration_folder(), stop_signals=END_AT_ONCE
    )
    with tempfile.TemporaryDirectory() as temporary, stop_on_signals() as stop, processes:
        outcomes_file = Path(temporary) / "outcomes.jsonl"
        outcomes_file.touch()
        processes.start(WORKER, _runner(outcomes_file, partitions, selection))
        counts = partial(_progress_of, feeds, days, resources, selection)
        find = partial(
            wait_of_runs,
            warehouse=warehouse_url(resources.settings),
            dagster=libpq_url(dagster_url(resources.settings)),
            partitions=partitions,
        )
        _show_progress(processes, stop, feeds, counts, waits=Waits(find, console.print), console=console)
        outcomes = [Outcome(**json.loads(line)) for line in outcomes_file.read_text().splitlines()]
    if len(outcomes) < len(partitions):
        done = f"{len(outcomes)} of {len(partitions)} runs had ended"
        if stop.is_set():
            raise ImportStopped(f"interrupted when {done}; {NOTHING_GOES_ON} `{this_command()}` continues")
        reason = f"the import stopped when {done}; `{this_command()}` continues"
        raise ImportStopped(processes.with_last_lines(WORKER, reason))
    return outcomes


def _runner(outcomes: Path, partitions: Sequence[str], selection: FileSelection) -> list[str | Path]:
    """Return the command that runs the job for each partition and writes its outcome."""
    module = "gogobe_dagster.dagster_runtime.import_runner"
    return [
        sys.executable,
        "-m",
        module,
        f"--selection={json.dumps(selection.values)}",
        outcomes,
        *partitions,
    ]


def this_command() -> str:
    """Return what was typed to start this process, to be typed again."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


Progression = Mapping[str, tuple[int, int]]
"""By feed: the number of files in a final state, and of all that the runs take."""


def _progress_of(
    feeds: Sequence[Feed], days: Sequence[date], resources: Resources, selection: FileSelection
) -> Progression:
    from gogobe_dagster.pipeline import selected

    if not selection.is_partial:
        return {row.feed: (row.settled, row.listed) for row in resources.ledger.feed_health(days)}
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
    *,
    waits: Waits,
    console: Console,
) -> None:
    """Show a bar per feed: files in a final state, of all files that the runs take."""
    columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bars = {feed.key: progress.add_task(feed.name, total=None, start=False) for feed in feeds}
        while True:
            has_ended = processes.has_ended(WORKER)
            waits.ask()
            with suppress(OperationalError):  # the reason is what `waits` tells
                _update(progress, bars, counts())
            if has_ended or stop.wait(REFRESH_SECONDS):
                return


def _update(progress: Progress, bars: Mapping[str, TaskID], counts: Progression) -> None:
    for key, (completed, total) in counts.items():
        if key in bars:
            progress.start_task(bars[key])
            progress.update(bars[key], total=total, completed=completed)
            if completed == total:
                progress.stop_task(bars[key])
