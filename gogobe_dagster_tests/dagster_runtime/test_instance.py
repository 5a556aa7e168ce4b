"""Dagster's own commands without any variable: in a bare clone, and beside an installed wheel."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from gogobe_dagster.dagster_runtime.environment import configuration_folder
from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.settings import Settings

pytestmark = pytest.mark.slow

PROGRAMS = Path(sys.executable).parent
FILES = {"dagster.yaml", "workspace.yaml", "workspace.server.yaml"}


@pytest.fixture
def variables(short_folder: Path) -> Iterator[Mapping[str, str]]:
    """Of a shell in which nothing of ours is set but where the home is."""
    basic = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    yield {**basic, "PATH": f"{PROGRAMS}:/usr/bin:/bin", "GOGOBE_HOME": str(short_folder)}
    embedded_server(Settings(home=short_folder)).stop()


def run(command: list[str], folder: Path, variables: Mapping[str, str]) -> str:
    ended = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=600
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_dagster_starts_the_databases_of_a_bare_clone(variables: Mapping[str, str]) -> None:
    clone = configuration_folder()

    assert "All definitions loaded successfully" in run(["dg", "check", "defs"], clone, variables)

    instance = "from dagster import DagsterInstance as I; i = I.from_config('.'); print(i.get_runs_count())"
    assert run([sys.executable, "-c", instance], clone, variables) == "0\n"
    server = embedded_server(Settings(home=Path(variables["GOGOBE_HOME"])))
    with psycopg.connect(server.url("gogobe")) as warehouse:
        assert warehouse.execute("select count(*) from current_prices").fetchone() == (0,)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an installed wheel of the project."""
    folder = tmp_path_factory.mktemp("wheel")
    environment = {**os.environ}
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    run(build, configuration_folder(), environment)
    [package] = folder.glob("*.whl")
    run([sys.executable, "-m", "zipfile", "-e", str(package), str(folder / "site")], folder, environment)
    return folder / "site"


def test_an_installed_wheel_has_its_configuration(
    wheel: Path, tmp_path: Path, variables: Mapping[str, str]
) -> None:
    installed = {**variables, "PYTHONPATH": str(wheel)}
    environment = json.loads(run(["gogobe", "env", "--json", "--no-start"], tmp_path, installed))

    folder = Path(environment["DAGSTER_HOME"])
    assert folder.is_relative_to(wheel)
    assert {path.name for path in folder.iterdir()} == FILES
    for name in FILES:
        assert (folder / name).read_bytes() == (configuration_folder() / name).read_bytes()

    validate = ["dagster", "definitions", "validate", "-w", str(folder / "workspace.yaml")]
    run(validate, tmp_path, {**installed, "DAGSTER_HOME": str(folder)})


def test_the_configuration_of_the_current_folder_has_precedence_over_that_of_the_wheel(
    wheel: Path, tmp_path: Path, variables: Mapping[str, str]
) -> None:
    (tmp_path / "dagster.yaml").touch()

    installed = {**variables, "PYTHONPATH": str(wheel)}
    environment = json.loads(run(["gogobe", "env", "--json", "--no-start"], tmp_path, installed))

    assert environment["DAGSTER_HOME"] == str(tmp_path)
