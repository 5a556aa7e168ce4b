"""CPU and memory of all processes that a benchmark started, including those that have ended.

A run's fork server outlives its run worker, so that its CPU seconds would be lost. Therefore this process
adopts orphaned descendants and does not reap them: zombies keep their times.
"""

import ctypes
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import psutil

from gogobe_dagster.commands.up import WEB_SERVER

PR_SET_CHILD_SUBREAPER = 36
IDLE_SECONDS = 90
"""Longer than the interval of Dagster's daemons, which is 30 s."""


class Part(StrEnum):
    """The parts that use CPU and memory."""

    DAEMON = "web server and daemon"
    RUNS = "runs"
    POSTGRES = "PostgreSQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The time that some work took."""

    wall: float
    cpu: float
    """CPU seconds of all processes, minus those of an idle system."""


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants. Call this before starting processes."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Meter:
    """Measures all descendants of this process, and a PostgreSQL server."""

    def __init__(self, server: psutil.Process) -> None:
        """`server` is the postmaster."""
        self._server = server
        self._idle = 0.0
        self._of_daemon: dict[psutil.Process, float] = {}

    def seconds(self) -> dict[Part, float]:
        """Return the CPU seconds so far, by part."""
        everything = postgres = 0.0
        for part, process in self._processes():
            own, ended = _seconds(process)
            if part is Part.POSTGRES:
                postgres += own + ended
                continue
            everything += own + ended
            if part is Part.DAEMON and own:
                self._of_daemon[process] = own
        # by process: a code server that ends hands its seconds on together with those of its runs
        daemon = sum(self._of_daemon.values())
        return {Part.DAEMON: daemon, Part.RUNS: everything - daemon, Part.POSTGRES: postgres}

    def megabytes(self) -> Counter[Part]:
        """Return the memory in use now; shared memory is counted once."""
        totals: Counter[Part] = Counter()
        for part, process in self._processes():
            totals[part] += _bytes(process)
        return Counter({part: round(number / 1024**2) for part, number in totals.items()})

    def rest(self, seconds: float = IDLE_SECONDS) -> float:
        """Measure the CPU seconds per second of the idle system, remember and return them."""
        self._idle = self.cost(lambda: time.sleep(seconds)).cpu / seconds + self._idle
        return self._idle

    def cost(self, work: Callable[[], object]) -> Cost:
        """Do the work and return its cost."""
        cpu, wall = sum(self.seconds().values()), time.perf_counter()
        work()
        wall = time.perf_counter() - wall
        return Cost(wall=wall, cpu=sum(self.seconds().values()) - cpu - self._idle * wall)

    def _processes(self) -> Iterator[tuple[Part, psutil.Process]]:
        ours = {process.pid: process for process in psutil.Process().children(recursive=True)}
        servers = {process.pid: process for process in (self._server, *self._server.children(recursive=True))}
        yield from ((Part.POSTGRES, process) for process in servers.values())
        yield from ((_part(process), process) for pid, process in ours.items() if pid not in servers)


def _part(process: psutil.Process) -> Part:
    """Return the part of a process; runs are what a code server started, and what we adopted from it."""
    try:
        command = process.cmdline()
    except psutil.Error:
        command = []
    return Part.DAEMON if {"up", WEB_SERVER, "dagster._daemon", "grpc"} & set(command) else Part.RUNS


def _seconds(process: psutil.Process) -> tuple[float, float]:
    """Return the CPU seconds of a process, and those of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # its parent has its times now, or will have them at the next measurement
        return 0.0, 0.0
    return float(times.user + times.system), float(times.children_user + times.children_system)


def _bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
