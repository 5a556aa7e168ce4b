"""CPU and memory of everything that a benchmark started, the processes that have ended included.

A run's fork server is left behind by its run worker when that ends, and its seconds would be lost with
it. So this process adopts what loses its parent, and lets it lie: the dead keep their times.
"""

import ctypes
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import psutil

PR_SET_CHILD_SUBREAPER = 36
IDLE_SECONDS = 90
"""The daemons of Dagster look every half minute."""


class Part(StrEnum):
    """Who used it."""

    DAEMON = "web server and daemon"
    RUNS = "runs"
    POSTGRES = "PostgreSQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What something took."""

    wall: float
    cpu: float
    """Seconds of all processes, less what they use while nothing happens."""


def adopt_orphans() -> None:
    """Be the parent of whatever loses its own below us. Call it before anything is started."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Meter:
    """Looks at all that this process started, and at a PostgreSQL server."""

    def __init__(self, server: psutil.Process) -> None:
        """`server` is the postmaster."""
        self._server = server
        self._idle = 0.0
        self._of_daemon: dict[psutil.Process, float] = {}

    def seconds(self) -> dict[Part, float]:
        """Return the CPU seconds so far by who used them."""
        everything = postgres = 0.0
        for part, process in self._everybody():
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
        """Return the memory in use now; what processes share is counted once."""
        held: Counter[Part] = Counter()
        for part, process in self._everybody():
            held[part] += _bytes(process)
        return Counter({part: round(number / 1024**2) for part, number in held.items()})

    def rest(self, seconds: float = IDLE_SECONDS) -> float:
        """Wait, take what is used meanwhile as what nothing happening costs, and return it per second."""
        self._idle = self.cost(lambda: time.sleep(seconds)).cpu / seconds + self._idle
        return self._idle

    def cost(self, work: Callable[[], object]) -> Cost:
        """Do the work and say what it took."""
        cpu, wall = sum(self.seconds().values()), time.perf_counter()
        work()
        wall = time.perf_counter() - wall
        return Cost(wall=wall, cpu=sum(self.seconds().values()) - cpu - self._idle * wall)

    def _everybody(self) -> Iterator[tuple[Part, psutil.Process]]:
        ours = {process.pid: process for process in psutil.Process().children(recursive=True)}
        servers = {one.pid: one for one in (self._server, *self._server.children(recursive=True))}
        yield from ((Part.POSTGRES, process) for process in servers.values())
        yield from ((_part(one), one) for pid, one in ours.items() if pid not in servers)


def _part(process: psutil.Process) -> Part:
    """Tell what belongs to runs: what a code server started, and what it left to us."""
    try:
        command = process.cmdline()
    except psutil.Error:
        command = []
    return Part.DAEMON if {"up", "dagster_webserver", "dagster._daemon", "grpc"} & set(command) else Part.RUNS


def _seconds(process: psutil.Process) -> tuple[float, float]:
    """Return the CPU seconds of a process, and those of its children that have ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # its parent has its times now, or will at the next look
        return 0.0, 0.0
    return float(times.user + times.system), float(times.children_user + times.children_system)


def _bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
