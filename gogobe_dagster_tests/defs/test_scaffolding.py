"""What `dg scaffold defs` writes into the folder `defs` is loaded, in a copy of the project."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gogobe_dagster.dagster_runtime.environment import configuration_folder
from gogobe_dagster_tests.import_env import ImportEnv

pytestmark = pytest.mark.slow

SCAFFOLDED = (
    ("dagster.asset", "new_asset.py"),
    ("dagster.schedule", "new_schedule.py"),
    ("dagster.sensor", "new_sensor.py"),
    ("inline-component", "new_component", "--typename", "NewComponent"),
)
COMPONENT = """
import dagster as dg


class NewComponent(dg.Component, dg.Model, dg.Resolvable):
    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        return dg.Definitions(assets=[dg.AssetSpec("asset_of_component")])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, which the commands use instead of the installed one."""
    shutil.copy(configuration_folder() / "pyproject.toml", tmp_path)
    package = configuration_folder() / "gogobe_dagster"
    shutil.copytree(package, tmp_path / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def dg(project: Path, import_env: ImportEnv, *arguments: str) -> str:
    """Run `dg` in the copy and return what it printed."""
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("dg")), *arguments],
        cwd=project,
        env=import_env.environment | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_what_dg_scaffolds_is_loaded(project: Path, import_env: ImportEnv) -> None:
    for arguments in SCAFFOLDED:
        dg(project, import_env, "scaffold", "defs", *arguments)
    (project / "gogobe_dagster/defs/new_component/new_component.py").write_text(COMPONENT)
    targeted = (
        project / "gogobe_dagster/defs/new_schedule.py",
        project / "gogobe_dagster/defs/new_sensor.py",
    )
    for file in targeted:  # all assets cannot be one job: they have different partitions
        file.write_text(file.read_text().replace('target="*"', 'target="new_asset"'))

    listed = json.loads(dg(project, import_env, "list", "defs", "--json"))

    assert {"new_asset", "asset_of_component", "prices"} <= {row["asset_key"] for row in listed["assets"]}
    assert {"new_schedule", "final_poll"} <= {row["name"] for row in listed["schedules"]}
    assert {"new_sensor", "alert_monitor"} <= {row["name"] for row in listed["sensors"]}
