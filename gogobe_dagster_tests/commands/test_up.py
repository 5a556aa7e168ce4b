"""`gogobe up` as people use it: started, used, interrupted; nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests

from gogobe_dagster.commands.processes import OWNER_VARIABLE
from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.dagster_services import launch, statuses
from gogobe_dagster_tests.import_env import yesterday
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.postgres.servers import processes_of
from gogobe_dagster_tests.waiting import cpu_seconds, wait_for_progress

pytestmark = pytest.mark.slow

GOGOBE = str(Path(sys.executable).with_name("gogobe"))


@pytest.fixture
def home(short_folder: Path) -> Iterator[Path]:
    """A home folder whose embedded server is stopped afterwards, should `up` have left it."""
    yield short_folder
    embedded_server(Settings(home=short_folder)).stop()


def test_ctrl_c_ends_runs_steps_servers_and_the_database(home: Path) -> None:
    with silent_portal() as (portal, visitors), up(home, GOGOBE_REPLICA_URL=portal) as (process, url):
        launch(url, f"rami_levy|{yesterday()}")
        wait_for_progress(lambda: visitors, what="a run at the portal", progress=work_of(process))
        working = started_by(process)
        assert len(working) > 5, "the run has processes of its own"

        process.send_signal(signal.SIGINT)

        assert process.wait() == 0
        assert [process for process in working if lives(process)] == []
        assert started_below(home) == []
        assert processes_of(embedded_server(Settings(home=home))) == []


def test_everything_killed_at_once_and_started_again_leaves_no_zombie_run(home: Path) -> None:
    """Neither one whose steps have processes, nor one that works in a single process."""
    with silent_portal() as (portal, visitors):
        with up(home, GOGOBE_REPLICA_URL=portal) as (process, url):
            runs = {
                launch(url, f"rami_levy|{yesterday()}"),
                launch(url, f"king_store|{yesterday()}", run_config=IN_PROCESS),
            }
            wait_for_progress(
                lambda: {"cerberus", "bina"} <= visitors, what="both runs", progress=work_of(process)
            )
            assert statuses(url) == dict.fromkeys(runs, "STARTED")
            process.kill()
            wait_for_progress(lambda: kill_all(home) == 0, what="the end of all processes")

        with up(home, GOGOBE_REPLICA_URL=portal) as (_, url):
            assert {run: statuses(url)[run] for run in runs} == dict.fromkeys(runs, "FAILURE")


def kill_all(home: Path) -> int:
    """Kill all running processes and return their number: others may be starting meanwhile."""
    running = [*started_below(home), *processes_of(embedded_server(Settings(home=home)))]
    for process in running:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return len(running)


def test_a_server_that_ran_before_runs_on_and_a_dead_daemon_ends_the_rest(home: Path) -> None:
    embedded_server(Settings(home=home)).start()
    with up(home) as (process, _):
        children = psutil.Process(process.pid).children()
        (daemon,) = [child for child in children if "run" in child.cmdline()]

        daemon.kill()

        assert process.wait() == 1
        output = process.stderr.read() if process.stderr else ""
        assert "gogobe: daemon ended (signal SIGKILL)" in output
        assert started_below(home) == []
        assert embedded_server(Settings(home=home)).is_running()


def test_a_port_that_is_taken_is_said_before_anything_is_started(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = subprocess.run(
            [GOGOBE, "up", "--port", str(port)],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | {"GOGOBE_HOME": str(home)},
        )

    assert done.returncode == 1
    assert f"port {port} cannot be used" in done.stderr
    assert "choose another with --port" in done.stderr
    assert list(home.iterdir()) == []


def test_kill_while_it_is_still_starting_leaves_nothing(home: Path) -> None:
    with launched(home, free_port()) as process:
        wait_for_progress(lambda: started_below(home), what="a first child", poll_seconds=0.05)

        process.terminate()

        assert process.wait() == 0
        assert started_below(home) == []
        assert processes_of(embedded_server(Settings(home=home))) == []


@contextmanager
def up(home: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    with launched(home, port, **variables) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for_progress(lambda: is_up(process, url), what="the web UI", progress=work_of(process))
        yield process, url


@contextmanager
def launched(home: Path, port: int, **variables: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | variables | {"GOGOBE_HOME": str(home)}
    command = [GOGOBE, "up", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def silent_portal() -> Iterator[tuple[str, set[str]]]:
    """A portal that reads requests and never answers, so that a run stays in its first step.

    Gives its address and the families that were asked for: each once, however often a run tries.
    """
    visitors, connections = set[str](), list[socket.socket]()

    def receive() -> None:
        with suppress(OSError):
            while True:
                connections.append(listener.accept()[0])
                request = connections[-1].recv(4096).decode()
                visitors.update(request.split("/")[1:2])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        receiver = threading.Thread(target=receive, daemon=True)
        receiver.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", visitors
        listener.shutdown(socket.SHUT_RDWR)
        receiver.join(5)
    for connection in connections:
        connection.close()


def started_by(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def started_below(home: Path) -> list[psutil.Process]:
    """Every running process that `up` of this home started, whoever its parent is now."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment = process.environ()
            if OWNER_VARIABLE in environment and environment["GOGOBE_HOME"] == str(home) and lives(process):
                found.append(process)
    return found


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def is_up(process: subprocess.Popen[str], url: str) -> bool:
    assert process.poll() is None, process.stderr and process.stderr.read()
    with suppress(requests.RequestException):
        return requests.get(f"{url}/server_info", timeout=5).ok
    return False


def work_of(process: subprocess.Popen[str]) -> Callable[[], int]:
    """Return what measures the work of a process and its children."""
    return lambda: cpu_seconds([psutil.Process(process.pid), *started_by(process)])
