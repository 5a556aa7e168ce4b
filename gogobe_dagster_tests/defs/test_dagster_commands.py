"""Dagster's own commands work from a clone, with the environment that `gogobe env` prints."""

import json
from datetime import timedelta

import psycopg
import pytest

from gogobe_dagster_tests.stage import YESTERDAY, Stage


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("dg", "check", "defs"), "All definitions loaded successfully"),
        (("dagster", "definitions", "validate", "-w", "workspace.yaml"), "passed validation"),
        (("dagster", "job", "list", "-w", "workspace.yaml"), "Job: import_feed"),
        (("dagster", "sensor", "list", "-w", "workspace.yaml"), "Sensor: rami_levy_files [STOPPED]"),
    ],
    ids=lambda value: "-".join(value[:3]) if isinstance(value, tuple) else "",
)
def test_a_command_of_dagster_finds_the_project(
    on_stage: Stage, command: tuple[str, ...], expected: str
) -> None:
    ended = on_stage.run(*command)

    assert expected in ended.stdout + ended.stderr


def test_dg_lists_what_the_web_ui_shows(on_stage: Stage) -> None:
    listed = json.loads(on_stage.run("dg", "list", "defs", "--json").stdout)

    assert {asset["asset_key"] for asset in listed["assets"]} == {
        "discovered",
        "downloaded",
        "parsed",
        "stores",
        "prices",
        "official_register",
        "promotions",
        "fleet",
    }


def test_the_readmes_backfill_of_dagster_itself_queues_a_run_a_partition(on_stage: Stage) -> None:
    cells = f"keshet|{YESTERDAY - timedelta(days=1)},keshet|{YESTERDAY}"

    on_stage.run(
        *("dagster", "job", "backfill", "-w", "workspace.yaml", "-j", "import_feed"),
        *("--partitions", cells, "--noprompt"),
    )

    with psycopg.connect(on_stage.settings.dagster_database_url) as connection:
        runs = connection.execute("select status, partition from runs order by partition").fetchall()
    assert runs == [("QUEUED", cell) for cell in cells.split(",")]
