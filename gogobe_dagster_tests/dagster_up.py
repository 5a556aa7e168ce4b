"""The real web server and the real daemon, as `gogobe up` starts them, for the time of a test."""

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from gogobe_dagster.commands.environment import clone_folder
from gogobe_dagster_tests.stage import Stage

SENSOR_ON = """
mutation On($selector: SensorSelector!) {
  startSensor(sensorSelector: $selector) { __typename ... on PythonError { message } }
}
"""


@contextmanager
def gogobe_up(stage: Stage) -> Iterator[str]:
    """Run `gogobe up` on a stage; give the address of the web UI."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = Path(sys.executable).with_name("gogobe")
    process = subprocess.Popen(
        [str(program), "up", "--port", str(port)],
        env=stage.environment,
        cwd=clone_folder(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(lambda: _answers(url, process), seconds=120, what=f"the web UI at {url}")
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=90)


def free_port() -> int:
    """A port that no outgoing connection takes before the server does: below those that the system gives."""
    while True:
        with socket.socket() as probe:
            port = secrets.choice(range(20000, 32000))
            if probe.connect_ex(("127.0.0.1", port)):
                return port


def _answers(url: str, process: subprocess.Popen[str]) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"gogobe up ended: {process.communicate()[0]}")
    try:
        return requests.get(f"{url}/server_info", timeout=5).ok
    except requests.RequestException:
        return False


def wait_until(done: Callable[[], Any], *, seconds: float, what: str) -> None:
    """Wait for something to become true; fail with what it was."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.5)


def ask(url: str, query: str, **variables: Any) -> dict[str, Any]:
    """Ask Dagster's GraphQL."""
    answer = requests.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


def switch_on(url: str, sensor: str) -> None:
    """Switch on a sensor, as a click in the web UI does."""
    selector = {
        "repositoryLocationName": "gogobe_dagster",
        "repositoryName": "__repository__",
        "sensorName": sensor,
    }
    assert ask(url, SENSOR_ON, selector=selector)["startSensor"]["__typename"] == "Sensor"
