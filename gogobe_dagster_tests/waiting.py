"""Waiting for other processes: as long as something moves, however slow the machine is."""

import time
from collections.abc import Callable, Iterable

import psutil

IDLE_SECONDS = 300
"""Longer than Dagster waits for a run that does not start or does not stop (180 s, and one poll)."""


def wait_for_progress(
    done: Callable[[], object],
    *,
    what: str,
    progress: Callable[[], object] = lambda: None,
    idle_seconds: float = IDLE_SECONDS,
    poll_seconds: float = 0.5,
) -> None:
    """Wait until `done` returns something true; what it raises ends the waiting.

    Fails when `progress` has returned the same for `idle_seconds`. It may return any value that changes
    while work goes on, such as the number of files loaded; without it, only `done` counts as progress.
    """
    last, changed_at = progress(), time.monotonic()
    while not done():
        if (current := progress()) != last:
            last, changed_at = current, time.monotonic()
        elif time.monotonic() - changed_at > idle_seconds:
            raise AssertionError(f"{what}: nothing has changed for {idle_seconds:g} s since {last}")
        time.sleep(poll_seconds)


def cpu_seconds(processes: Iterable[psutil.Process]) -> int:
    """Return the whole CPU seconds that processes have used: they grow while programs start."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # it has ended
        total += times.user + times.system
    return int(total)
