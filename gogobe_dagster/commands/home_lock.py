"""One `gogobe up` for each home: a second one says where the first one is."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from gogobe_dagster.commands.processes import end_leftovers
from gogobe_dagster.errors import GogobeError

LOCK = "up.lock"


@contextmanager
def claimed(home: Path, url: str) -> Iterator[None]:
    """Claim a home for this process until the block ends. Raises `GogobeError` if another one has it.

    The kernel releases the claim of a process that was killed; what that process had started is ended.
    """
    with (home / LOCK).open("a+") as lock:
        lock.seek(0)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GogobeError(
                f"`gogobe up` is already running on {home}: {lock.read().strip() or 'it is just starting'}. "
                "Set GOGOBE_HOME to another folder for a second one"
            ) from None
        for pid in end_leftovers(home):
            click.echo(f"Ended process {pid}, which a killed command had left.", err=True)
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {url}\n")
        lock.flush()
        yield
        lock.truncate(0)
