"""The dataset: what it says, how it is cut, what is written again, and that others open it."""

import hashlib
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import frictionless
import polars as pl
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from upath import UPath

from gogobe_dagster.dataset.publishing import Published, publish_dataset
from gogobe_dagster.defs.dataset import datasets
from gogobe_dagster.errors import GogobeError
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.history.retention_watermark import HISTORY, raise_watermark
from gogobe_dagster.warehouse.schema.migrate import connect
from gogobe_dagster.warehouse.schema.tables import retention_watermark
from gogobe_dagster_tests.consumers.conftest import Filled
from gogobe_dagster_tests.consumers.example_market import OPEN_OFFER, OTHER_CHAIN
from gogobe_dagster_tests.warehouse.making import CHAIN, NOON, TODAY
from gogobe_dagster_tests.warehouse.warehouse_harness import MILK

pytestmark = pytest.mark.slow

TOMORROW = NOON + timedelta(days=1)
PRICES = f"prices/day={TODAY}/chain_id={CHAIN}/data.parquet"


@pytest.fixture(scope="module")
def engine(filled: Filled) -> Iterator[sa.Engine]:
    engine = connect(filled.url)
    yield engine
    engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "dataset"


def publish(engine: sa.Engine, folder: Path | UPath, now: datetime = TOMORROW, **options: Any) -> Published:
    return publish_dataset(engine, UPath(folder), now=now, **options)


def manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]


def touch(engine: sa.Engine, chain_id: str) -> None:
    """Let a chain's files look as if they had been loaded again."""
    again = "update file set loaded_at = loaded_at + interval '1 second' where chain_id = :chain_id"
    with engine.begin() as connection:
        connection.execute(sa.text(again), {"chain_id": chain_id})


def test_prices_of_a_day_are_those_at_its_end(engine: sa.Engine, folder: Path) -> None:
    publish(engine, folder)

    prices = pl.read_parquet(folder / "prices", hive_partitioning=True)
    milk = prices.filter(gtin=MILK).sort("chain_id", "store_id")
    assert milk.select("store_id", "price").rows() == [
        (7, Decimal("7.30")),
        (1, Decimal("7.60")),
        (2, Decimal("6.90")),
        (3, Decimal("8.40")),
    ]
    assert set(prices["day"].cast(pl.String)) == {str(TODAY), str(TODAY - timedelta(days=1))}
    assert set(prices["chain_id"].cast(pl.String)) == {CHAIN, OTHER_CHAIN}


def test_the_other_tables_have_the_rows_of_their_views(engine: sa.Engine, folder: Path) -> None:
    publish(engine, folder)

    frames = {
        name: pl.read_parquet(folder / name, hive_partitioning=True)
        for name in ("current_prices", "price_periods", "promotions", "stores", "products")
    }
    views = {"stores": "store_coverage", "products": "chain_product", "promotions": "promotions_now"}
    with engine.connect() as connection:
        for name in ("current_prices", "stores", "products", "promotions"):
            rows = connection.scalar(sa.text(f"select count(*) from {views.get(name, name)}"))
            assert (name, len(frames[name])) == (name, rows)
    [ended] = frames["price_periods"].filter(gtin=MILK).to_dicts()
    assert (ended["gtin"], ended["price"], ended["month"]) == (MILK, Decimal("7.10"), "2026-11")
    offers = dict(frames["promotions"].select("promotion_id", "effective_unit_price").iter_rows())
    assert offers[OPEN_OFFER] == Decimal(6)
    assert frames["stores"].filter(locality_name="ירושלים")["latitude"].item() > 31


def test_statistics_are_those_of_their_views_and_follow_them(engine: sa.Engine, folder: Path) -> None:
    publish(engine, folder)
    frames = {
        name: pl.read_parquet(folder / name, hive_partitioning=True)
        for name in ("product_daily", "chain_price_changes", "chain_price_index")
    }
    with engine.connect() as connection:
        for name, frame in frames.items():
            assert (name, len(frame)) == (name, connection.scalar(sa.text(f"select count(*) from {name}")))
    [change] = frames["chain_price_changes"].to_dicts()
    assert (change["old_median"], change["new_median"]) == (Decimal("14.00"), Decimal("12.50"))

    due = "insert into statistics_due (chain_id, since_day) values (:chain_id, :day)"
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(due), {"chain_id": OTHER_CHAIN, "day": TODAY})
        waiting = publish(engine, folder)
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("truncate statistics_due"))

    assert (waiting.written, publish(engine, folder).written) == (3, 3)


def test_files_are_compressed_and_sorted_for_questions_about_a_product(
    engine: sa.Engine, folder: Path
) -> None:
    publish(engine, folder)

    file = pq.ParquetFile(folder / PRICES)
    column = file.metadata.row_group(0).column(file.schema_arrow.names.index("gtin"))
    assert column.compression == "ZSTD"
    assert column.statistics.has_min_max
    assert pl.read_parquet(folder / PRICES, hive_partitioning=False)["gtin"].is_sorted(nulls_last=True)


def test_the_manifest_has_every_file_with_its_hash_and_rows(engine: sa.Engine, folder: Path) -> None:
    made = publish(engine, folder)

    files = manifest(folder)
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.parquet")}
    assert files.keys() == found.keys()
    for name, path in found.items():
        content = path.read_bytes()
        assert files[name]["sha256"] == hashlib.sha256(content).hexdigest()
        assert files[name]["bytes"] == len(content)
        assert files[name]["rows"] == pq.ParquetFile(path).metadata.num_rows
    assert (made.written, made.kept, made.removed) == (len(files), 0, 0)
    assert made.rows == sum(entry["rows"] for entry in files.values())
    assert list(folder.rglob("*.draft")) == []


def test_only_what_changed_is_written_again(engine: sa.Engine, folder: Path) -> None:
    publish(engine, folder)
    assert publish(engine, folder).written == 0

    touch(engine, OTHER_CHAIN)
    before = manifest(folder)
    publish(engine, folder)
    changed = {name for name, entry in manifest(folder).items() if entry != before[name]}

    assert {name for name in changed if "chain_id" in name} == {
        name for name in before if OTHER_CHAIN in name
    }
    assert {name for name in changed if "chain_id" not in name} <= {
        *("stores/data.parquet", "products/data.parquet", "chain_price_index/data.parquet"),
    }


def test_of_two_calls_at_once_the_second_finds_everything_done(engine: sa.Engine, folder: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: publish(engine, folder), range(2)))

    files = len(manifest(folder))
    assert sorted(published.written for published in done) == [0, files]
    assert all((folder / name).is_file() for name in manifest(folder))


def test_a_file_that_was_lost_or_cut_off_is_written_again(engine: sa.Engine, folder: Path) -> None:
    publish(engine, folder)
    content = (folder / PRICES).read_bytes()
    (folder / PRICES).write_bytes(content[:-1])
    (folder / "stores" / "data.parquet").unlink()

    assert publish(engine, folder).written == 2
    assert (folder / PRICES).read_bytes() == content


def test_what_the_manifest_does_not_name_is_removed_and_earlier_days_stay(
    engine: sa.Engine, folder: Path
) -> None:
    publish(engine, folder)
    gone = folder / "current_prices" / "chain_id=1" / "data.parquet"
    gone.parent.mkdir()
    gone.write_bytes(b"PAR1")
    (folder / "notes.txt").write_text("of somebody else")
    made = publish(engine, folder, TOMORROW + timedelta(days=5), days=2)

    assert made.removed == 1
    assert not gone.exists()
    assert (folder / "notes.txt").exists()
    assert (folder / PRICES).exists()
    days = {name.split("/")[1] for name in manifest(folder) if name.startswith("prices/")}
    assert days == {"day=2026-11-22", "day=2026-11-23", "day=2026-11-27", "day=2026-11-28"}


def test_days_whose_prices_retention_has_removed_are_not_made(engine: sa.Engine, folder: Path) -> None:
    with engine.begin() as connection:
        raise_watermark(connection, HISTORY, TOMORROW)
    try:
        publish(engine, folder, TOMORROW + timedelta(days=2))
    finally:
        with engine.begin() as connection:
            connection.execute(sa.delete(retention_watermark))

    days = {name.split("/")[1] for name in manifest(folder) if name.startswith("prices/")}
    assert days == {"day=2026-11-24", "day=2026-11-25"}
    publish(engine, folder, TOMORROW + timedelta(days=2))
    assert PRICES in manifest(folder)


def test_a_folder_may_be_named_from_where_one_stands(
    engine: sa.Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    monkeypatch.chdir(folder)

    made = publish_dataset(engine, ".", now=TOMORROW)

    assert made.removed == 0
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.parquet")} == manifest(folder).keys()
    assert publish_dataset(engine, ".", now=TOMORROW).written == 0


@pytest.mark.parametrize("name", ["README.md", "manifest.json", "datapackage.json"])
def test_documents_of_others_are_not_replaced(engine: sa.Engine, folder: Path, name: str) -> None:
    folder.mkdir()
    (folder / name).write_text('{"name": "of somebody else"}')

    with pytest.raises(GogobeError, match=name):
        publish(engine, folder)

    assert [path.name for path in folder.iterdir()] == [name]


def test_parquet_files_of_others_stay(engine: sa.Engine, folder: Path) -> None:
    theirs = folder / "stores" / "theirs.parquet"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"PAR1")

    assert publish(engine, folder).removed == 0
    assert theirs.exists()


def test_a_first_call_that_was_killed_before_its_manifest_is_gone_on_with(
    engine: sa.Engine, folder: Path
) -> None:
    publish(engine, folder)
    (folder / "manifest.json").unlink()

    assert publish(engine, folder).written > 0


def test_a_writing_that_fails_leaves_the_old_file_and_no_draft(engine: sa.Engine, folder: Path) -> None:
    publish(engine, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.parquet")}
    touch(engine, CHAIN)

    def stop(path: str) -> None:
        if path.startswith("promotions"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(engine, folder, tell=stop)

    assert before.keys() == set(folder.rglob("*.parquet"))
    assert list(folder.rglob("*.draft")) == []
    assert publish(engine, folder).written > 0


def test_it_can_be_in_object_storage(engine: sa.Engine) -> None:
    root = UPath("memory://bucket/dataset")
    publish(engine, root)

    with (root / PRICES).open("rb") as file:
        assert pq.ParquetFile(file).metadata.num_rows > 0
    assert publish(engine, root).written == 0


def test_the_description_is_valid_and_has_a_meaning_for_every_column(engine: sa.Engine, folder: Path) -> None:
    publish(engine, folder)

    package = frictionless.Package(str(folder / "datapackage.json"))
    assert package.name == "israel-supermarket-prices"
    for resource in package.resources:
        paths = [resource.path, *resource.extrapaths]
        assert all((folder / str(path)).exists() for path in paths)
        names = pq.ParquetFile(folder / str(paths[0])).schema_arrow.names
        assert [field.name for field in resource.schema.fields] == names
        assert all(field.description for field in resource.schema.fields)
    assert {resource.name for resource in package.resources} == {
        *("prices", "current-prices", "price-periods", "promotions", "stores", "products"),
        *("product-daily", "chain-price-changes", "chain-price-index"),
    }


def test_the_examples_of_its_readme_run(
    engine: sa.Engine, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(engine, folder)
    monkeypatch.chdir(folder)
    readme = (folder / "README.md").read_text(encoding="utf-8")

    [question] = re.findall(r"^```sql\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    with duckdb.connect() as connection:
        assert connection.execute(question).fetchall()[0][1:] == ("מרכז", Decimal("6.9000"))
    examples = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    for example in (example for example in examples if "https://" not in example):
        exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - what the README tells people to run
    printed = capsys.readouterr().out
    assert "6.9" in printed
    assert "ירושלים" in printed


def test_a_folder_in_the_settings_makes_an_asset_of_it(
    filled: Filled, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOBE_DATASET_FOLDER", str(folder))
    monkeypatch.setenv("GOGOBE_DATABASE_URL", filled.url)
    with (
        closing(Resources(Settings.read(), clock=lambda: TOMORROW)) as resources,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        given = dg.Definitions(resources={"resources": resources})
        job = dg.Definitions.merge(datasets(), given).resolve_job_def("publish_dataset")
        result = job.execute_in_process(instance=instance)

    assert result.success
    assert len(manifest(folder)) > 6
    monkeypatch.delenv("GOGOBE_DATASET_FOLDER")
    assert not datasets().assets
