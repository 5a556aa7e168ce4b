"""`gogobe export`, `rebuild` and `retain` as people type them, on a small loaded warehouse."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.migrate import connect, migrate
from gogobe_dagster_tests.commands.run import run_gogobe
from gogobe_dagster_tests.warehouse.making import CHAIN
from gogobe_dagster_tests.warehouse.warehouse_harness import MILK, Market, PriceFile

pytestmark = pytest.mark.slow


@pytest.fixture
def market(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """Two stores in the warehouse of the environment."""
    for name in ("GOGOBE_DATABASE_URL", "GOGOBE_DAGSTER_DATABASE_URL"):
        monkeypatch.setenv(name, database_url)
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    migrate(database_url)
    engine = connect(database_url)
    market = Market.at(engine, tmp_path / "lake")
    for store in (1, 2):
        market.open(PriceFile(6, {MILK: "7"}, store=store))
    yield market
    engine.dispose()


@pytest.mark.parametrize("command", ["backup", "publish"])
def test_without_a_folder_what_to_type_is_said(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path))

    code, text = run_gogobe(command)

    assert code == 2
    assert f"`gogobe {command} FOLDER`" in text


def test_a_restore_that_is_refused_begins_with_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path / "home"))

    code, text = run_gogobe("restore", str(tmp_path / "nothing"))

    assert (code, text.splitlines()[0][:8]) == (1, "gogobe: ")


def test_export_writes_the_file_that_was_named_or_one_here(market: Market, tmp_path: Path) -> None:
    assert run_gogobe("export", "--store", "2", "--output", "one.csv")[0] == 0
    code, text = run_gogobe("export", "--feed", "rami_levy")

    assert (code, "prices.parquet: 2 rows" in text) == (0, True)
    assert pl.read_csv(tmp_path / "one.csv")["store_id"].to_list() == [2]
    assert sorted(pl.read_parquet(tmp_path / "prices.parquet")["store_id"]) == [1, 2]
    assert market.ledger.pending("rami_levy") == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["export", "--output", "prices.xlsx"], ".parquet or .csv"),
        (["export", "products", "--city", "חיפה"], "products have no store"),
        (["export", "--output", "nowhere/prices.csv"], "there is no folder nowhere"),
        (["export", "promotoins"], "is not one of"),
    ],
)
def test_export_answers_wrong_input_with_what_is_right(
    arguments: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    code, text = run_gogobe(*arguments)

    assert code == 2
    assert expected in text
    assert list(tmp_path.iterdir()) == []


def damage(market: Market) -> None:
    with market.engine.begin() as connection:
        connection.execute(sa.text("update price_current set price = 99"))


def wrong(market: Market) -> int:
    number: int = market.ask("select count(*) from price_current where price = 99")[0][0]
    return number


def test_rebuild_asks_before_it_rebuilds_everything(market: Market) -> None:
    damage(market)

    code, text = run_gogobe("rebuild", typed="n\n")
    assert (code, "Rebuild all stores" in text, wrong(market)) == (1, True, 2)

    code, text = run_gogobe("rebuild", "--chain", CHAIN, "--store", "1", "--document", "prices")
    assert (code, "prices: 1 stores rebuilt from 1 files" in text, wrong(market)) == (0, True, 1)

    code, text = run_gogobe("rebuild", "--yes")
    assert (code, "prices: 2 stores rebuilt from 2 files" in text, wrong(market)) == (0, True, 0)


def test_rebuild_names_what_the_lake_has_not(market: Market, tmp_path: Path) -> None:
    (path,) = market.ask("select lake_path from file where store_id = 2")[0]
    (tmp_path / "lake" / path).unlink()
    damage(market)

    code, text = run_gogobe("rebuild", "--yes")

    assert (code, wrong(market)) == (1, 1)
    assert f"store 2: lake_file_missing: {path} is not in the lake" in text


def test_retain_shows_and_does(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    with market.engine.begin() as connection:
        connection.execute(sa.text("update file_event set occurred_at = occurred_at - interval '300 days'"))

    code, text = run_gogobe("retain", "--dry-run")
    assert code == 0
    assert "would be deleted" in text
    events = market.ask("select count(*) from file_event")

    monkeypatch.setenv("GOGOBE_KEEP_FILE_EVENTS_DAYS", "0")
    assert "events" not in run_gogobe("retain")[1]
    assert market.ask("select count(*) from file_event") == events

    monkeypatch.delenv("GOGOBE_KEEP_FILE_EVENTS_DAYS")
    assert f"file events {events[0][0]:>8}".split() == run_gogobe("retain")[1].splitlines()[-2].split()[:-1]
    assert market.ask("select count(*) from file_event") == [(0,)]


@pytest.mark.usefixtures("market")
def test_an_export_that_cannot_be_written_is_one_sentence() -> None:
    code, text = run_gogobe("export", "--output", "/proc/prices.csv")

    assert code == 1
    assert "gogobe: /proc/prices.csv cannot be written: " in text


NEED_TABLES = (
    ["status"],
    ["env"],
    ["export"],
    ["retain"],
    ["rebuild", "--yes"],
    ["retry"],
    ["scan"],
    ["import"],
    ["places", "--unresolved"],
    ["backup", "saved"],
    ["up"],
)


def test_every_command_says_that_a_newer_version_made_the_tables(market: Market) -> None:
    with market.engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))

    for arguments in NEED_TABLES:
        code, text = run_gogobe(*arguments)

        sentence = (
            "gogobe: the database's tables were made by a newer version of gogobe (revision 9999; this "
        )
        assert (code, text.startswith(sentence), len(text.splitlines())) == (1, True, 1), arguments
