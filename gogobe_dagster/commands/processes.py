"""Processes that a command starts, supervises, and stops together with all their descendants.

A process may start others in sessions of their own and die before them. All of them inherit a variable in
their environment, by which even the last one is found. Their output goes through this process into logs of
limited size.
"""

import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import click
import psutil

from gogobe_dagster.commands.process_logs import ProcessLog
from gogobe_dagster.errors import GogobeError

OWNER_VARIABLE = "GOGOBE_STARTED_BY"
"""Process id and start time of the command, an id of these processes, and the name of the child."""
STOP_SIGNALS = ((signal.SIGINT, 15.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
"""Signals in this order, and the seconds to wait after each."""
KILL_SECONDS = 5.0
LAST_LINES_SHOWN = 15
CLOCK_TOLERANCE_SECONDS = 5


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
    _logs: dict[str, ProcessLog] = field(default_factory=dict, init=False)
    _owner: str = field(default_factory=lambda: f"{_this_process()}:{uuid.uuid4().hex}", init=False)

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
        if name not in self._logs:
            self._logs[name] = ProcessLog(self.log(name), shown_as=name if self.verbose else "")
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env={**os.environ, **self.environment, OWNER_VARIABLE: f"{self._owner}:{name}"},
            start_new_session=True,
        )
        self._started[name] = process
        if process.stdout is not None:
            self._logs[name].copy(process.stdout)

    def check(self) -> None:
        """Raise `ProcessEnded` if one of the processes has ended."""
        for name in self._started:
            if how := self.how_ended(name):
                raise ProcessEnded(self.with_last_lines(name, f"{name} {how}"))

    def how_ended(self, name: str) -> str:
        """Return how a process has ended, such as "ended (exit code 3)"; "" while it runs."""
        code = self._started[name].poll()
        if code is None:
            return ""
        return f"ended (exit code {code})" if code >= 0 else f"ended (signal {signal.Signals(-code).name})"

    def pid(self, name: str) -> int:
        """Return the process id of a process that was started."""
        return self._started[name].pid

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
        _stop(self.running, self.stop_signals)
        for process in self._started.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
        for log in self._logs.values():
            log.close()
        self._logs.clear()

    def kill(self, name: str) -> None:
        """Kill one process and its descendants at once."""
        _stop(lambda: self.running(name), ((signal.SIGKILL, KILL_SECONDS),))
        with suppress(subprocess.TimeoutExpired, KeyError):  # it may not even have started
            self._started[name].wait(1)

    def running(self, name: str = "") -> set[psutil.Process]:
        """Find all running processes and descendants, however they were started; or those of one name."""
        found: set[psutil.Process] = set()
        for child_name, child in self._started.items():
            with suppress(psutil.Error):  # some programs overwrite their environment
                if name in {"", child_name}:
                    found.update(psutil.Process(child.pid).children(recursive=True))
        mark = f"{self._owner}:{name}"
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                owner = process.environ().get(OWNER_VARIABLE, "")
                if owner == mark or (not name and owner.startswith(mark)):
                    found.add(process)
        return {process for process in found if _is_running(process)}

    def log(self, name: str) -> Path:
        """Return the log file of a process; those of the last times are kept next to it."""
        return self.logs / f"{name}.log"

    def last_lines(self, name: str) -> str:
        """Return the last lines that a process printed."""
        if name in self._logs:
            self._logs[name].wait()
        lines = self.log(name).read_text(errors="replace").splitlines()
        return click.unstyle("\n".join(lines[-LAST_LINES_SHOWN:]))

    def with_last_lines(self, name: str, message: str) -> str:
        """Add the last lines that a process printed to a message about it."""
        return f"{message}; last lines of {self.log(name)}:\n{self.last_lines(name)}"


def end_leftovers(home: Path) -> list[int]:
    """Kill what commands on a home started that were killed themselves, and return their process ids.

    Nobody supervises or stops these processes any more, and a second daemon would do everything twice.
    """
    left = _left_over(home)
    _stop(lambda: _left_over(home), ((signal.SIGKILL, KILL_SECONDS),))
    return sorted(process.pid for process in left)


def _left_over(home: Path) -> set[psutil.Process]:
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment = process.environ()
            owner, *rest = environment.get(OWNER_VARIABLE, "").split(":")
            is_ours = len(rest) == 2 and environment.get("GOGOBE_HOME") == str(home)  # noqa: PLR2004
            if is_ours and not _is_alive(owner) and _is_running(process):
                found.add(process)
    return found


def _this_process() -> str:
    return f"{os.getpid()}@{psutil.Process().create_time():.0f}"


def _is_alive(owner: str) -> bool:
    pid, _, started = owner.partition("@")
    try:
        # the start of a process is computed from the clock, which may be set meanwhile
        return abs(psutil.Process(int(pid)).create_time() - float(started)) < CLOCK_TOLERANCE_SECONDS
    except psutil.NoSuchProcess:
        return False


def _stop(find: Callable[[], set[psutil.Process]], signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send these signals to processes, and to those that they start meanwhile, until all have ended."""
    seen: set[psutil.Process] = set()
    for number, seconds in signals:
        deadline = time.monotonic() + seconds
        signalled: set[psutil.Process] = set()
        # searched again each time: new ones may be started while others are being stopped
        while running := {process for process in seen | find() if _is_running(process)}:
            seen |= running
            _signal(running - signalled, number)
            signalled |= running
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        else:
            return


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
