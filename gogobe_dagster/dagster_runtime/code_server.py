"""Starts the code server of `gogobe up`, after what dead runs hold was freed.

`python -m gogobe_dagster.dagster_runtime.code_server SOCKET`. A code server and the runs that it started end
together, so at this time no run of an earlier one is alive.
"""

import os
import sys
from pathlib import Path

import dagster as dg

from gogobe_dagster.dagster_runtime.orphaned_runs import free_what_dead_runs_hold

THREADS = 16
"""For parallel sensor ticks and requests of the web UI."""
SERVER = ("api", "grpc", "-m", "gogobe_dagster.definitions", "--location-name", "gogobe_dagster")


def main(socket: Path) -> None:
    """Free what dead runs hold, and become the code server."""
    with dg.DagsterInstance.get() as instance:
        free_what_dead_runs_hold(instance)
    socket.parent.mkdir(mode=0o700, exist_ok=True)
    socket.unlink(missing_ok=True)  # of one that was killed
    command = [sys.executable, "-m", "dagster", *SERVER, "-s", str(socket), "-n", str(THREADS)]
    os.execv(sys.executable, command)  # noqa: S606 - no shell


if __name__ == "__main__":
    main(Path(sys.argv[1]))
