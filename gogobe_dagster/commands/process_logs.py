"""Logs of the processes that a command starts: their output, line by line, in files of limited size."""

import logging
import sys
import threading
from contextlib import suppress
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

LOG_BYTES = 10_000_000
LOGS_KEPT = 3
"""Older files of a log, with the endings .1 to .3."""
MAX_LINE_BYTES = 65_536
DRAIN_SECONDS = 1.0
"""How long to wait for the last output of a process that has ended."""


class _RotatingFile(RotatingFileHandler):
    """A file that never stops the process whose output it takes, be the disk full."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Drop the line."""


class ProcessLog:
    """The log of a process, and of those that are started in its place. A new one begins a new file."""

    def __init__(self, path: Path, *, shown_as: str = "") -> None:
        """Open the log; its lines are also shown in the terminal, after the name `shown_as` if given."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._shown_as = shown_as
        self._file = _RotatingFile(
            path, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8", errors="replace"
        )
        if path.stat().st_size:
            self._file.doRollover()
        self._copiers: list[threading.Thread] = []

    def copy(self, source: IO[bytes]) -> None:
        """Copy the output of a process, in a thread, until it and all that it started have ended."""
        self._copiers = [copier for copier in self._copiers if copier.is_alive()]
        self._copiers.append(threading.Thread(target=self._copy, args=(source,), daemon=True))
        self._copiers[-1].start()

    def wait(self) -> None:
        """Wait a little for output that is on its way."""
        for copier in self._copiers:
            copier.join(DRAIN_SECONDS)

    def close(self) -> None:
        """Close the file."""
        self.wait()
        self._file.close()

    def _copy(self, source: IO[bytes]) -> None:
        with source:
            for line in iter(partial(source.readline, MAX_LINE_BYTES), b""):
                text = line.decode(errors="replace").removesuffix("\n")
                self._file.handle(logging.makeLogRecord({"msg": text}))
                if self._shown_as:
                    with suppress(OSError):
                        sys.stderr.buffer.write(f"{self._shown_as}: ".encode() + line)
                        sys.stderr.flush()
