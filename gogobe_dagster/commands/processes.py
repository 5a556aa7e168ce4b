"""Programs that a command runs beside itself: started together, watched, and ended without a trace.

A child may start programs in turn, in sessions of their own, and die before them. Every one of them
inherits a mark in its environment, by which the last one is found. What to run is the commands' affair.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

import click
import psutil

from gogobe_dagster.errors import GogobeError

MARK = "GOGOBE_STARTED_BY"
ENDING = ((signal.SIGINT, 15.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
"""Signals in turn, and the seconds each is given."""
LAST_LINES = 15


class ChildDied(GogobeError):
    """A program that should go on running has ended; the message has its last words."""


@dataclass(slots=True)
class Children:
    """The programs of one command. Leaving the `with` block ends all of them and their descendants."""

    logs: Path
    environment: Mapping[str, str]
    """What is set beside our own environment."""
    folder: Path
    """Where they run."""
    verbose: bool = False
    """Show what they print, as well as keeping it."""
    ending: Sequence[tuple[signal.Signals, float]] = ENDING
    _started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)
    _mark: str = field(default_factory=lambda: uuid.uuid4().hex, init=False)

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything."""
        self.stop()

    def start(self, name: str, command: Sequence[str | Path]) -> None:
        """Start a program in a session of its own, out of reach of the terminal's Ctrl-C."""
        with self._open_log(name) as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.verbose else log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **self.environment, MARK: self._mark},
                start_new_session=True,
            )
        self._started[name] = process
        if process.stdout is not None:
            threading.Thread(target=self._copy, args=(name, process.stdout), daemon=True).start()

    def check(self) -> None:
        """Raise `ChildDied` if one of them does not run any more."""
        for name, process in self._started.items():
            code = process.poll()
            if code is not None:
                how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
                raise ChildDied(f"{name} ended ({how}); {self.log(name)} says:\n{self.last_words(name)}")

    def has_ended(self, name: str) -> bool:
        """Whether one that is meant to end by itself has done so."""
        return self._started[name].poll() is not None

    def wait_until(
        self, ready: Callable[[], bool], *, what: str, seconds: float, stop: threading.Event
    ) -> bool:
        """Wait for something they should bring about; False = told to stop. Raises if it does not come."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise GogobeError(f"{what}: not within {seconds:.0f} s; see {self.logs}")
            if stop.wait(0.2):
                return False
        return True

    def stop(self) -> None:
        """End them and everything that descends from them; harder if they do not listen."""
        seen: set[psutil.Process] = set()
        for number, seconds in self.ending:
            deadline = time.monotonic() + seconds
            told: set[psutil.Process] = set()
            # Looked for again each time: some are started while others are being told.
            while living := {process for process in seen | self.living() if _lives(process)}:
                seen |= living
                _signal(living - told, number)
                told |= living
                if time.monotonic() > deadline:
                    break
                time.sleep(0.1)
            else:
                break
        for process in self._started.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)

    def living(self) -> set[psutil.Process]:
        """Find every process that descends from a child, however it was started."""
        found: set[psutil.Process] = set()
        for child in self._started.values():
            with suppress(psutil.Error):  # some programs overwrite the environment that others see
                found.update(psutil.Process(child.pid).children(recursive=True))
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == self._mark:
                    found.add(process)
        return {process for process in found if _lives(process)}

    def log(self, name: str) -> Path:
        """Return the file that keeps what a child prints; the one before is beside it."""
        return self.logs / f"{name}.log"

    def _open_log(self, name: str) -> IO[bytes]:
        self.logs.mkdir(parents=True, exist_ok=True)
        if self.log(name).exists():
            shutil.move(self.log(name), self.logs / f"{name}.previous.log")
        return self.log(name).open("wb")

    def _copy(self, name: str, source: IO[bytes]) -> None:
        with source, self.log(name).open("ab") as log:
            for line in source:
                log.write(line)
                log.flush()
                with suppress(OSError):
                    sys.stderr.buffer.write(f"{name}: ".encode() + line)
                    sys.stderr.flush()

    def last_words(self, name: str) -> str:
        """Return the last lines that a child printed."""
        lines = self.log(name).read_text(errors="replace").splitlines()
        return click.unstyle("\n".join(lines[-LAST_LINES:]))


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Turn Ctrl-C, a closed terminal and `kill` into an event, so that nothing interrupts the ending."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _signal(processes: Collection[psutil.Process], number: signal.Signals) -> None:
    """Signal whole process groups: a process that was just started is in one, and may not be listed yet."""
    groups = set()
    for process in processes:
        with suppress(ProcessLookupError):
            groups.add(os.getpgid(process.pid))
    for group in groups - {os.getpgrp()}:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
