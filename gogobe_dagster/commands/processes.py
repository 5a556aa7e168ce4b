"""Processes that a command starts, supervises, and stops together with all their descendants.

A process may start others in sessions of their own and die before them. All of them inherit a variable in
their environment, by which even the last one is found.
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

OWNER_VARIABLE = "GOGOBE_STARTED_BY"
STOP_SIGNALS = ((signal.SIGINT, 15.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
"""Signals in this order, and the seconds to wait after each."""
LAST_LINES_SHOWN = 15


class ProcessEnded(GogobeError):
    """A process that should keep running has ended; the message has the last lines of its log."""


@dataclass(slots=True)
class ManagedProcesses:
    """The processes of one command. Leaving the `with` block stops them and all their descendants."""

    logs: Path
    environment: Mapping[str, str]
    """Variables added to those of this process."""
    folder: Path
    """Their working directory."""
    verbose: bool = False
    """Whether their output is shown as well as logged."""
    stop_signals: Sequence[tuple[signal.Signals, float]] = STOP_SIGNALS
    _started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)
    _owner: str = field(default_factory=lambda: uuid.uuid4().hex, init=False)

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.stop()

    def start(self, name: str, command: Sequence[str | Path]) -> None:
        """Start a process in its own session, which Ctrl-C in the terminal does not reach."""
        with self._open_log(name) as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self.verbose else log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, **self.environment, OWNER_VARIABLE: self._owner},
                start_new_session=True,
            )
        self._started[name] = process
        if process.stdout is not None:
            threading.Thread(target=self._copy, args=(name, process.stdout), daemon=True).start()

    def check(self) -> None:
        """Raise `ProcessEnded` if one of the processes has ended."""
        for name, process in self._started.items():
            code = process.poll()
            if code is not None:
                how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
                raise ProcessEnded(
                    f"{name} ended ({how}); last lines of {self.log(name)}:\n{self.last_lines(name)}"
                )

    def has_ended(self, name: str) -> bool:
        """Return whether a process that ends by itself has done so."""
        return self._started[name].poll() is not None

    def wait_until(
        self, ready: Callable[[], bool], *, what: str, seconds: float, stop: threading.Event
    ) -> bool:
        """Wait until `ready` is true; return False if `stop` was set before. Raises after `seconds`."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise GogobeError(f"{what} was not ready within {seconds:.0f} s; see {self.logs}")
            if stop.wait(0.2):
                return False
        return True

    def stop(self) -> None:
        """Stop all processes and their descendants, with a stronger signal if one is ignored."""
        seen: set[psutil.Process] = set()
        for number, seconds in self.stop_signals:
            deadline = time.monotonic() + seconds
            signalled: set[psutil.Process] = set()
            # searched again each time: new ones may be started while others are being stopped
            while running := {process for process in seen | self.running() if _is_running(process)}:
                seen |= running
                _signal(running - signalled, number)
                signalled |= running
                if time.monotonic() > deadline:
                    break
                time.sleep(0.1)
            else:
                break
        for process in self._started.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)

    def running(self) -> set[psutil.Process]:
        """Find all running processes and descendants, however they were started."""
        found: set[psutil.Process] = set()
        for child in self._started.values():
            with suppress(psutil.Error):  # some programs overwrite their environment
                found.update(psutil.Process(child.pid).children(recursive=True))
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(OWNER_VARIABLE) == self._owner:
                    found.add(process)
        return {process for process in found if _is_running(process)}

    def log(self, name: str) -> Path:
        """Return the log file of a process; the previous one is kept next to it."""
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

    def last_lines(self, name: str) -> str:
        """Return the last lines that a process printed."""
        lines = self.log(name).read_text(errors="replace").splitlines()
        return click.unstyle("\n".join(lines[-LAST_LINES_SHOWN:]))


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Turn Ctrl-C, a closed terminal and `kill` into an event, so that nothing interrupts the clean-up."""
    stop = threading.Event()

    def request_stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stop.set()

    handlers = {
        number: signal.signal(number, request_stop)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _signal(processes: Collection[psutil.Process], number: signal.Signals) -> None:
    """Signal whole process groups, which include processes too new to be listed."""
    groups = set()
    for process in processes:
        with suppress(ProcessLookupError):
            groups.add(os.getpgid(process.pid))
    for group in groups - {os.getpgrp()}:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
