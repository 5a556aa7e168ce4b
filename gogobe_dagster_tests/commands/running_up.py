"""`gogobe up` as people start it, on a home of its own, and the processes that it started."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import requests

from gogobe_dagster.commands.processes import OWNER_VARIABLE
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.waiting import cpu_seconds, wait_for_progress

GOGOBE = str(Path(sys.executable).with_name("gogobe"))


@contextmanager
def up(home: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    with launched(home, port, **variables) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for_progress(lambda: is_up(process, home, url), what="the web UI", progress=work_of(process))
        yield process, url


@contextmanager
def launched(home: Path, port: int, **variables: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | variables | {"GOGOBE_HOME": str(home)}
    command = [GOGOBE, "up", "--port", str(port)]
    with (
        terminal_of(home).open("a") as terminal,
        subprocess.Popen(command, env=environment, stderr=terminal, text=True) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def terminal_of(home: Path) -> Path:
    """The file with what `gogobe up` prints."""
    return home.with_name(f"{home.name}.terminal")


def started_by(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def started_below(home: Path) -> list[psutil.Process]:
    """Every running process that `up` of this home started, whoever its parent is now."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment = process.environ()
            is_below = environment.get("GOGOBE_HOME") == str(home)
            if OWNER_VARIABLE in environment and is_below and lives(process):
                found.append(process)
    return found


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def is_up(process: subprocess.Popen[str], home: Path, url: str) -> bool:
    assert process.poll() is None, terminal_of(home).read_text()
    with suppress(requests.RequestException):
        return requests.get(f"{url}/server_info", timeout=5).ok
    return False


def work_of(process: subprocess.Popen[str]) -> Callable[[], int]:
    """Return what measures the work of a process and its children."""
    return lambda: cpu_seconds([psutil.Process(process.pid), *started_by(process)])
