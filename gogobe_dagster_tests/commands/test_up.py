"""`gogobe up` as people use it: started, used, interrupted; nothing is left behind."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests

from gogobe_dagster.defs.jobs import IN_PROCESS
from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.commands.running_up import GOGOBE, launched, started_below, up, work_of
from gogobe_dagster_tests.dagster_services import launch, statuses
from gogobe_dagster_tests.import_env import yesterday
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.postgres.servers import processes_of
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow


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

        port = free_port()
        with up(home, GOGOBE_REPLICA_URL=portal, GOGOBE_METRICS_PORT=str(port)) as (process, url):
            wait_for_progress(
                lambda: {run: statuses(url)[run] for run in runs} == dict.fromkeys(runs, "FAILURE"),
                what="the end of runs whose worker is gone",
                progress=work_of(process),
            )
            metrics = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
            sources = ('"warehouse"', '"dagster"')
            assert all(f"gogobe_source_up{{source={source}}} 1.0" in metrics for source in sources)
            assert 'gogobe_files{feed="rami_levy",state="discovered"}' not in metrics, "nothing was listed"
            assert f'gogobe_workers{{host="{socket.gethostname()}"}} 1.0' in metrics


def kill_all(home: Path) -> int:
    """Kill all running processes and return their number: others may be starting meanwhile."""
    running = [*started_below(home), *processes_of(embedded_server(Settings(home=home)))]
    for process in running:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return len(running)


@pytest.mark.parametrize("command", [("up",), ("serve",), ("mcp", "--http")], ids=lambda words: words[0])
def test_a_port_that_is_taken_is_said_before_anything_is_started(
    home: Path, command: tuple[str, ...]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = subprocess.run(
            [GOGOBE, *command, "--port", str(port)],
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | {"GOGOBE_HOME": str(home)},
        )

    assert done.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in done.stderr
    assert "choose another with --port" in done.stderr
    assert [path.name for path in home.iterdir()] == (["up.lock"] if command == ("up",) else [])


def test_kill_while_it_is_still_starting_leaves_nothing(home: Path) -> None:
    with launched(home, free_port()) as process:
        wait_for_progress(lambda: started_below(home), what="a first child", poll_seconds=0.05)

        process.terminate()

        assert process.wait() == 0
        assert started_below(home) == []
        assert processes_of(embedded_server(Settings(home=home))) == []


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
