"""What `gogobe env` prints is enough for the programs that read it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gogobe_dagster.dagster_runtime.environment import environment_with_days, process_environment
from gogobe_dagster.postgres.server import embedded_server
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.import_env import ImportEnv, yesterday
from gogobe_dagster_tests.monitoring.test_data_quality import load

pytestmark = pytest.mark.slow

CLONE = Path(__file__).parents[2]
GOGOBE = str(Path(sys.executable).with_name("gogobe"))
REAL = "postgresql://shopper:s%20e@db.example:6543/prices?sslmode=require"


@pytest.fixture
def home(short_folder: Path) -> Iterator[Path]:
    """A home folder whose embedded server is stopped afterwards."""
    yield short_folder
    embedded_server(Settings(home=short_folder)).stop()


def test_a_real_server_is_described_to_psql_and_to_dagster() -> None:
    environment = process_environment(Settings(database_url=REAL, dagster_database_url=REAL))

    assert environment["GOGOBE_DATABASE_URL"] == REAL
    assert environment["GOGOBE_DAGSTER_DATABASE_URL"] == REAL.replace("postgresql", "postgresql+psycopg2")
    assert {name: value for name, value in environment.items() if name.startswith("PG")} == {
        "PGHOST": "db.example",
        "PGPORT": "6543",
        "PGDATABASE": "prices",
        "PGUSER": "shopper",
        "PGPASSWORD": "s e",
        "PGSSLMODE": "require",
    }


def test_folders_are_absolute_and_dagster_finds_the_clones_own_files(short_folder: Path) -> None:
    environment = process_environment(Settings(home=Path("somewhere")))

    assert environment["DAGSTER_HOME"] == str(CLONE)
    assert environment["GOGOBE_HOME"] == str(Path.cwd() / "somewhere")
    assert environment["GOGOBE_DAGSTER_FOLDER"] == str(Path.cwd() / "somewhere" / "dagster")
    assert list(short_folder.iterdir()) == []


def test_printing_without_starting_starts_nothing(home: Path) -> None:
    exported = json.loads(_gogobe_env(home, "--json", "--no-start"))

    assert exported["GOGOBE_HOME"] == str(home)
    assert list(home.iterdir()) == []


FIRST_DAY = """
from gogobe_dagster.defs.partitions import day_partitions
from gogobe_dagster.settings import Settings
print(day_partitions(Settings.read()).get_first_partition_key())
"""


def test_partitions_begin_with_the_oldest_file_that_is_imported_and_with_days_that_are_asked_for(
    import_env: ImportEnv,
) -> None:
    unset = import_env.settings.model_copy(update={"first_day": None})
    oldest, refused, asked = (yesterday() - timedelta(days=days) for days in (20, 40, 60))
    engine = import_env.resources.engine

    def first_day(environment: dict[str, str]) -> str:
        command = [sys.executable, "-c", FIRST_DAY]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    assert "GOGOBE_OLDEST_DAY" not in environment_with_days(unset)
    load(engine, refused, stores=1, feed="rami_levy")
    with engine.begin() as connection:
        connection.exec_driver_sql("update file set state = 'quarantined', code = 'stale_file'")
    load(engine, oldest, stores=1)
    environment = os.environ | environment_with_days(unset)

    assert first_day(environment) == str(oldest)
    assert environment_with_days(unset, [yesterday(), asked])["GOGOBE_OLDEST_DAY"] == str(asked)
    assert first_day(environment | {"GOGOBE_FIRST_DAY": str(yesterday())}) == str(yesterday())


def test_after_eval_libpq_connects_to_the_warehouse_and_dagster_to_its_storage(home: Path) -> None:
    connect = 'import psycopg; print(psycopg.connect("").info.dbname)'
    script = f"""
        eval "$('{GOGOBE}' env)" &&
        '{sys.executable}' -c '{connect}' &&
        '{sys.executable}' -m dagster run list --limit 1
    """

    done = subprocess.run(
        ["sh", "-c", script],
        check=False,
        capture_output=True,
        text=True,
        cwd=CLONE,
        env=os.environ | {"GOGOBE_HOME": str(home)},
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "gogobe"


def test_the_printed_urls_start_the_embedded_server_again_after_it_was_stopped(home: Path) -> None:
    exported = json.loads(_gogobe_env(home, "--json"))
    embedded_server(Settings(home=home)).stop()

    _gogobe_env(home, **exported)

    assert embedded_server(Settings(home=home)).is_running()


def _gogobe_env(home: Path, *options: str, **variables: str) -> str:
    return subprocess.run(
        [GOGOBE, "env", *options],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | variables | {"GOGOBE_HOME": str(home)},
    ).stdout
