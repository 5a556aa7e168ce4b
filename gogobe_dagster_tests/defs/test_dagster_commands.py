"""Dagster's own commands work from a clone, with the environment that `gogobe env` prints."""

import json
from datetime import timedelta

import psycopg
import pytest

from gogobe_dagster_tests.dagster_up import documented
from gogobe_dagster_tests.stage import YESTERDAY, Stage


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("dagster", "definitions", "validate", "-w", "workspace.yaml"), "passed validation"),
        (("dagster", "job", "list", "-w", "workspace.yaml"), "Job: import_feed"),
        (("dagster", "sensor", "list", "-w", "workspace.yaml"), "Sensor: rami_levy_files [STOPPED]"),
        (documented("dg check defs"), "All definitions loaded successfully"),
        (documented("dagster sensor start"), "Started sensor rami_levy_files"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value[:3]),
)
def test_a_command_of_dagster_finds_the_project(
    on_stage: Stage, command: tuple[str, ...], expected: str
) -> None:
    ended = on_stage.run(*command)

    assert expected in ended.stdout + ended.stderr


def of_keshet(program: str) -> list[str]:
    """A command of the docs, about another cell."""
    words = documented(program)
    words[words.index("--partition") + 1] = f"keshet|{YESTERDAY}"
    return words


def test_a_run_can_be_started_by_either_command_and_queued(on_stage: Stage) -> None:
    on_stage.publish("keshet", stores=1, items=30)

    on_stage.run(*of_keshet("dagster asset materialize"))
    assert set(on_stage.states("keshet").values()) == {"discovered"}

    on_stage.run(*of_keshet("dg launch"))
    assert set(on_stage.states("keshet").values()) == {"loaded"}

    on_stage.run(*documented("dagster job launch"))
    with psycopg.connect(on_stage.settings.dagster_database_url) as connection:
        runs = connection.execute("select pipeline_name, status from runs order by id").fetchall()
    assert runs == [("__ASSET_JOB", "SUCCESS"), ("import_feed", "SUCCESS"), ("upkeep", "QUEUED")]


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
