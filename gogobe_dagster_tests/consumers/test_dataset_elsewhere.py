"""The dataset in a bucket and on a web server: it is written there, and others open it from there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
import sqlalchemy as sa
import uvicorn
from starlette.staticfiles import StaticFiles
from upath import UPath

from gogobe_dagster.dataset.publishing import publish_dataset
from gogobe_dagster.warehouse.schema.migrate import connect
from gogobe_dagster_tests.commands.run import run_gogobe
from gogobe_dagster_tests.consumers.conftest import Filled, served
from gogobe_dagster_tests.consumers.test_dataset import TOMORROW
from gogobe_dagster_tests.object_store import ObjectStore
from gogobe_dagster_tests.ports import free_port

pytestmark = pytest.mark.slow
NOTEBOOK = Path(__file__).parents[2] / "docs" / "prices.ipynb"
FOLDERS = ("current_prices", "prices", "stores")
ELSEWHERE = "https://example.org/dataset"


@pytest.fixture(scope="module")
def engine(filled: Filled) -> Iterator[sa.Engine]:
    engine = connect(filled.url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def folder(engine: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "dataset"
    publish_dataset(engine, str(folder), now=TOMORROW)
    return folder


@pytest.fixture(scope="module")
def website(folder: Path) -> Iterator[str]:
    """The folder on a web server, which lists no files."""
    app = StaticFiles(directory=folder)
    config = uvicorn.Config(app, port=free_port(), log_level="warning", lifespan="off", ws="none")
    with served(uvicorn.Server(config)) as url:
        yield url


def examples(readme: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)


def at(root: str, example: str) -> str:
    """Put the address before the paths, as the README says."""
    return re.sub(rf"""(['"])(?=({"|".join(FOLDERS)})\b)""", rf"\1{root}/", example)


def run(example: str) -> None:
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - what the README tells people to run


def test_a_dataset_in_a_bucket_is_written_once_and_opened_by_others(
    engine: sa.Engine,
    bucket: str,
    object_store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = f"{bucket}/dataset"
    made = publish_dataset(engine, root, now=TOMORROW)
    assert made.written > 6
    assert publish_dataset(engine, root, now=TOMORROW).written == 0
    assert not [path for path in object_store.files.find(root) if path.endswith(".draft")]

    readme = (UPath(root) / "README.md").read_text(encoding="utf-8")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")  # the server of the tests has no certificate
    with duckdb.connect() as connection:
        connection.register_filesystem(object_store.files)
        [question] = examples(readme, "sql")
        assert connection.execute(at(root, question)).fetchall()[0][1:] == ("מרכז", Decimal("6.9000"))
    in_place = [example for example in examples(readme, "python") if ELSEWHERE not in example]
    assert len(in_place) == 2
    for example in in_place:
        run(at(root, example))
    printed = capsys.readouterr().out
    assert ["6.9" in printed, "ירושלים" in printed] == [True, True]


def test_commands_write_to_a_bucket(
    filled: Filled, bucket: str, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GOGOBE_DATABASE_URL", "GOGOBE_DAGSTER_DATABASE_URL"):  # or a server is started
        monkeypatch.setenv(name, filled.url)

    code, text = run_gogobe("publish", f"{bucket}/dataset", "--days", "1")
    assert (code, f"{bucket}/dataset" in text) == (0, True)
    assert object_store.files.exists(f"{bucket}/dataset/manifest.json")

    code, text = run_gogobe("export", "--output", f"{bucket}/prices.parquet")
    assert (code, "9 rows" in text) == (0, True)
    with UPath(f"{bucket}/prices.parquet").open("rb") as file:
        assert len(pl.read_parquet(file)) == 9
    assert [path.rpartition("/")[2] for path in object_store.files.ls(bucket, detail=False)] == [
        *("dataset", "prices.parquet")
    ]


@pytest.mark.parametrize("command", [["publish"], ["export", "--output"]])
def test_a_bucket_that_is_none_is_one_sentence(
    filled: Filled, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    for name in ("GOGOBE_DATABASE_URL", "GOGOBE_DAGSTER_DATABASE_URL"):  # or a server is started
        monkeypatch.setenv(name, filled.url)
    buckets = object_store.buckets()

    code, text = run_gogobe(*command, "s3://nobody-made-this/prices.csv")

    assert code == 1
    assert "gogobe: s3://nobody-made-this/prices.csv cannot be written: " in text
    assert "Traceback" not in text
    assert object_store.buckets() == buckets


def test_a_dataset_on_a_web_server_is_opened_by_others(
    website: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = (folder / "README.md").read_text(encoding="utf-8")
    [example] = [example for example in examples(readme, "python") if ELSEWHERE in example]
    run(example.replace(ELSEWHERE, website))
    assert "6.9" in capsys.readouterr().out

    assert "ירושלים" in set(pd.read_parquet(f"{website}/stores/data.parquet")["district"])


def test_the_notebook_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.parent)
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]

    run("\n".join(cells))

    printed = capsys.readouterr().out
    assert ["6.9000" in printed, "-10.7" in printed, "2026-11-01" in printed, "true" in printed] == [True] * 4


def test_r_opens_it(folder: Path) -> None:
    program = shutil.which("Rscript")
    needed = "stopifnot(requireNamespace('arrow'), requireNamespace('dplyr'))"
    if not program or subprocess.run([program, "-e", needed], check=False, capture_output=True).returncode:
        pytest.skip("no R with the packages arrow and dplyr: Debian has no arrow")
    [example] = examples((folder / "README.md").read_text(encoding="utf-8"), "r")
    ran = subprocess.run([program, "-e", example], cwd=folder, check=True, capture_output=True, text=True)
    assert "6.9" in ran.stdout
