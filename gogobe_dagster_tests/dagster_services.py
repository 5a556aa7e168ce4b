"""The real web server and the real daemon, in each way that people start them, for the time of a test."""

import re
import secrets
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from gogobe_dagster.commands.environment import clone_folder
from gogobe_dagster.commands.processes import ManagedProcesses
from gogobe_dagster_tests.import_env import ImportEnv

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "gogobe_dagster"}
LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"
SENSOR_ON = """
mutation On($selector: SensorSelector!) {
  startSensor(sensorSelector: $selector) { __typename ... on PythonError { message } }
}
"""


@contextmanager
def gogobe_up(env: ImportEnv) -> Iterator[str]:
    """Run `gogobe up` in an import environment; give the address of the web UI."""
    port = free_port()
    with _serving(env, port, [["gogobe", "up", "--port", str(port)]]) as url:
        yield url


@contextmanager
def served_as_documented(env: ImportEnv, *programs: str) -> Iterator[str]:
    """Start these programs by the commands of docs/operations.md; give the address of the web UI."""
    port = free_port()
    commands = [documented(program) for program in programs]
    with _serving(env, port, [[word.replace("3000", str(port)) for word in one] for one in commands]) as url:
        yield url


def documented(program: str) -> list[str]:
    """Return the command with which docs/operations.md starts a program, such as `dagster dev`."""
    said = PAGE.read_text().replace("or: ", "\n")
    found, *_ = re.findall(rf"^({re.escape(program)} .*?)\s*(?:#|$)", said, flags=re.MULTILINE)
    return shlex.split(found)


@contextmanager
def _serving(env: ImportEnv, port: int, commands: Sequence[Sequence[str]]) -> Iterator[str]:
    """Start programs of ours beside each other; afterwards end all they started and see that it went."""
    url, folder = f"http://127.0.0.1:{port}", env.settings.folder / "logs of the test"
    children = ManagedProcesses(logs=folder, environment=env.environment, folder=clone_folder())
    with children:
        for program, *arguments in commands:
            children.start(program, [Path(sys.executable).with_name(program), *arguments])
        children.wait_until(
            lambda: _answers(url), what=f"the web UI at {url}", seconds=150, stop=threading.Event()
        )
        yield url
    assert children.running() == set()


def free_port() -> int:
    """A port that no outgoing connection takes before the server does: below those that the system gives."""
    while True:
        with socket.socket() as probe:
            port = secrets.choice(range(20000, 32000))
            if probe.connect_ex(("127.0.0.1", port)):
                return port


def _answers(url: str) -> bool:
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


def launch(url: str, cell: str, *, run_config: Mapping[str, Any] | None = None) -> str:
    """Ask for an import run of a feed and day, as the web UI's launchpad does; return its id."""
    feed, day = cell.split("|")
    tags = {
        "dagster/partition": cell,
        "dagster/partition/feed": feed,
        "dagster/partition/publication_day": day,
    }
    params = {
        "selector": {**LOCATION, "pipelineName": "import_feed"},
        "runConfigData": run_config or {},
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
    }
    answer = ask(url, LAUNCH, params=params)["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return str(answer["run"]["runId"])


def statuses(url: str) -> dict[str, str]:
    """Every run of this Dagster and its status."""
    return {run["runId"]: run["status"] for run in ask(url, RUNS)["runsOrError"]["results"]}


def switch_on(url: str, sensor: str) -> None:
    """Switch on a sensor, as a click in the web UI does."""
    selector = {**LOCATION, "sensorName": sensor}
    assert ask(url, SENSOR_ON, selector=selector)["startSensor"]["__typename"] == "Sensor"
