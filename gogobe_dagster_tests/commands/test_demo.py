"""The demo on an empty home: what a newcomer sees, twice, and what is left behind."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from gogobe_dagster.commands.processes import OWNER_VARIABLE

pytestmark = pytest.mark.slow

SOMEBODY_ELSES = {
    "GOGOBE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/real",
    "GOGOBE_DAGSTER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/real",
    "GOGOBE_LAKE": "/proc/nowhere",
}
"""Made-up prices must never reach the places that the environment names."""


def run_demo(home: Path) -> str:
    gogobe = Path(sys.executable).with_name("gogobe")
    ended = subprocess.run(
        [str(gogobe), "demo", "--stores", "3", "--items", "40"],
        env={**os.environ, **SOMEBODY_ELSES, "GOGOBE_HOME": str(home), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def processes_of(home: Path) -> list[psutil.Process]:
    """Everything that was started for this home: servers by their folder, the rest by the mark."""
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        environment = process.info["environ"] or {}
        about_home = str(home) in " ".join(process.info["cmdline"] or [])
        if about_home or (
            OWNER_VARIABLE in environment and environment.get("GOGOBE_HOME", "").startswith(str(home))
        ):
            found.append(process)
    return found


def test_the_demo_fills_the_tables_once_and_leaves_no_process(short_folder: Path) -> None:
    first = run_demo(short_folder)

    assert "Shufersal" in first
    assert "Good Pharm" in first
    assert first.count("select ") >= 4
    assert "promotions_now" in first
    assert "Nothing new" not in first
    assert processes_of(short_folder) == []
    assert {path.name for path in short_folder.iterdir()} == {"demo"}, "made-up prices stay apart"

    second = run_demo(short_folder)

    assert "Nothing new to import" in second
    assert processes_of(short_folder) == []
