"""The real web server and the real daemon, in each way that people start them, for the time of a test."""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from gogobe_dagster.commands.processes import ManagedProcesses
from gogobe_dagster.dagster_runtime.environment import configuration_folder
from gogobe_dagster_tests.import_env import ImportEnv
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.waiting import cpu_seconds, wait_for_progress

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
    with _serving(env, port, [_on_port(command, port) for command in commands]) as url:
        yield url


def documented(program: str) -> list[str]:
    """Return the command with which docs/operations.md starts a program, such as `dagster dev`."""
    page = PAGE.read_text().replace("or: ", "\n")
    command, *_ = re.findall(rf"^({re.escape(program)} .*?)\s*(?:#|$)", page, flags=re.MULTILINE)
    return shlex.split(command)


def _on_port(command: Sequence[str], port: int) -> list[str]:
    return [argument.replace("3000", str(port)) for argument in command]


@contextmanager
def _serving(env: ImportEnv, port: int, commands: Sequence[Sequence[str]]) -> Iterator[str]:
    """Start programs of ours; afterwards end them and all that they started, and see that it is gone."""
    url, folder = f"http://127.0.0.1:{port}", env.settings.folder / "logs of the test"
    processes = ManagedProcesses(logs=folder, environment=env.environment, folder=configuration_folder())
    with processes:
        for program, *arguments in commands:
            processes.start(program, [Path(sys.executable).with_name(program), *arguments])
        wait_for_progress(
            lambda: _is_up(processes, url),
            what=f"the web UI at {url}",
            progress=lambda: cpu_seconds(processes.running()),
        )
        yield url
    assert processes.running() == set()


def _is_up(processes: ManagedProcesses, url: str) -> bool:
    """Whether the web UI answers. Raises `ProcessEnded` when a program has ended."""
    processes.check()
    return _answers(url)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/server_info", timeout=5).ok
    except requests.RequestException:
        return False


def ask(url: str, query: str, **variables: Any) -> dict[str, Any]:
    """Ask Dagster's GraphQL."""
    answer = requests.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


def launch(url: str, partition: str, *, run_config: Mapping[str, Any] | None = None) -> str:
    """Ask for an import run of a feed and day, as the web UI's launchpad does; return its id."""
    feed, day = partition.split("|")
    tags = {
        "dagster/partition": partition,
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
