"""Dagster's own commands work from a clone, with the environment that `gogobe env` prints."""

import json
from datetime import timedelta

import pytest

from gogobe_dagster_tests.dagster_services import documented
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

pytestmark = pytest.mark.slow


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
    import_env: ImportEnv, command: tuple[str, ...], expected: str
) -> None:
    ended = import_env.run(*command)

    assert expected in ended.stdout + ended.stderr


def of_keshet(program: str) -> list[str]:
    """A command of the docs, for another partition."""
    arguments = documented(program)
    arguments[arguments.index("--partition") + 1] = f"keshet|{yesterday()}"
    return arguments


def test_a_run_can_be_started_by_either_command_and_queued(import_env: ImportEnv) -> None:
    import_env.publish("keshet", stores=1, items=30)

    import_env.run(*of_keshet("dagster asset materialize"))
    assert set(import_env.states("keshet").values()) == {"discovered"}

    import_env.run(*of_keshet("dg launch"))
    assert set(import_env.states("keshet").values()) == {"loaded"}

    import_env.run(*documented("dagster job launch"))
    runs = import_env.query_dagster("select pipeline_name, status from runs order by id")
    assert runs == [("__ASSET_JOB", "SUCCESS"), ("import_feed", "SUCCESS"), ("maintenance", "QUEUED")]


def test_dg_lists_what_the_web_ui_shows(import_env: ImportEnv) -> None:
    listed = json.loads(import_env.run("dg", "list", "defs", "--json").stdout)

    assert {asset["asset_key"] for asset in listed["assets"]} == {
        "discovered",
        "downloaded",
        "parsed",
        "stores",
        "prices",
        "official_register",
        "official_localities",
        "feed_register",
        "fleet",
        "daily_report",
        "promotions",
        "feed_health",
    }


def test_the_readmes_backfill_of_dagster_itself_queues_a_run_a_partition(import_env: ImportEnv) -> None:
    partitions = f"keshet|{yesterday() - timedelta(days=1)},keshet|{yesterday()}"

    import_env.run(
        *("dagster", "job", "backfill", "-w", "workspace.yaml", "-j", "import_feed"),
        *("--partitions", partitions, "--noprompt"),
    )

    runs = import_env.query_dagster("select status, partition from runs order by partition")
    assert runs == [("QUEUED", partition) for partition in partitions.split(",")]
