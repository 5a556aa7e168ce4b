"""Starting import runs in a process of their own and watching the ledger while they work."""

import json
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gogobe_dagster.equipment import Equipment
from gogobe_dagster.feeds import Feed

LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one import run ended."""

    feed: str
    day: str
    run_id: str
    success: bool
    seconds: float


def import_cells(
    feeds: Sequence[Feed],
    days: Sequence[date],
    *,
    equipment: Equipment,
    environment: Mapping[str, str],
    log: Path,
    console: Console,
) -> list[Outcome]:
    """Run the import job for every feed and day through Dagster, with a progress display.

    The runs' own logs go to `log`. A run that fails does not stop the others. If this process is
    interrupted, the runs are too, and nothing is half done: the next import goes on.
    """
    cells = [f"{feed.key}|{day}" for feed in feeds for day in days]
    command = [sys.executable, "-m", "gogobe_dagster.defs.run_import", *cells]
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a") as journal,
        subprocess.Popen(
            command, env=dict(environment), stdout=subprocess.PIPE, stderr=journal, text=True
        ) as process,
    ):
        try:
            _watch(process, {feed.key for feed in feeds}, days, equipment, console)
        except BaseException:
            process.terminate()
            raise
        lines = process.stdout.read().splitlines() if process.stdout else []
    return [Outcome(**json.loads(line)) for line in lines if line.startswith("{")]
