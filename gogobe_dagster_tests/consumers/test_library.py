"""`import gogobe_dagster`: what it reads, and what it costs a program that only imports it."""

import gzip
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

import gogobe_dagster as gogobe
from gogobe_dagster.errors import SettingsError
from gogobe_dagster_tests.consumers.conftest import Filled
from gogobe_dagster_tests.parsing import promotion_documents
from gogobe_dagster_tests.parsing.documents import MILK, PRICES_NAME, STORE_DIALECTS, STORES_NAME, prices
from gogobe_dagster_tests.warehouse.making import TODAY

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
LOGIN = "Price7290058140886-002-202611230700.gz"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder as a person has it: prices, promotions, a store list, a login page."""
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / PRICES_NAME).write_bytes(gzip.compress(prices(MILK).encode()))
    (folder / STORES_NAME).write_text(next(iter(STORE_DIALECTS.values())), encoding="utf-8")
    promotions = next(iter(promotion_documents.DIALECTS.values()))
    (folder / promotion_documents.NAME).write_bytes(gzip.compress(promotions.encode()))
    (folder / LOGIN).write_text("<html><body>Login</body></html>")
    return folder


@pytest.fixture
def installation(filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GOGOBE_DATABASE_URL", filled.url)
    monkeypatch.setenv("GOGOBE_DAGSTER_DATABASE_URL", filled.url)
    monkeypatch.setenv("GOGOBE_LAKE", str(filled.lake))


def test_a_folder_becomes_a_table_of_each_document(published: Path) -> None:
    tables = gogobe.read(published)

    [milk] = tables.prices.polars().iter_rows(named=True)
    assert (milk["code"], milk["store_id"], milk["file"]) == (
        MILK["ItemCode"],
        1,
        str(published / PRICES_NAME),
    )
    assert milk["price"] == Decimal(MILK["ItemPrice"])
    assert set(tables.promotions.polars()["promotion_id"]) == {"900001"}
    assert len(tables.stores) > 0


def test_a_file_that_is_none_has_a_code_and_the_others_are_read(published: Path) -> None:
    files = {Path(row["file"]).name: row for row in gogobe.read(published).files.polars().to_dicts()}

    assert files[LOGIN]["code"] == "html_instead_of_file"
    assert files[LOGIN]["reason"]
    assert {row["code"] for name, row in files.items() if name != LOGIN} == {None}
    assert files[PRICES_NAME]["rows"] == 1


def test_prices_stay_exact_in_each_kind_of_frame(published: Path) -> None:
    table = gogobe.read([str(published / PRICES_NAME)]).prices

    assert isinstance(table.polars().schema["price"], pl.Decimal)
    assert pa.types.is_decimal(table.arrow().schema.field("price").type)
    assert table.pandas()["price"].tolist() == [Decimal(MILK["ItemPrice"])]
    assert (len(table), table.columns) == (1, table.polars().columns)


def test_nothing_to_read_is_empty_and_a_path_that_is_not_there_an_error(tmp_path: Path) -> None:
    assert [len(table) for table in (gogobe.read(tmp_path).prices, gogobe.read([]).files)] == [0, 0]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        gogobe.read(tmp_path / "nowhere")


@pytest.mark.usefixtures("installation")
def test_a_day_has_every_file_in_the_order_of_publication() -> None:
    rows = gogobe.prices("rami_levy", TODAY, stores=[1]).polars().filter(name="חלב תנובה 3%")

    assert rows.select("kind", "store_id", "price").rows() == [
        ("full_prices", 1, Decimal("7.10")),
        ("prices", 1, Decimal("7.60")),
    ]
    assert rows["published_at"].is_sorted()


@pytest.mark.usefixtures("installation")
def test_offers_of_a_day_have_the_price_of_a_unit_and_stores_their_ids() -> None:
    offers = gogobe.promotions("rami_levy", TODAY).polars()
    lists = gogobe.stores("shufersal", TODAY).polars()

    assert dict(offers.select("promotion_id", "effective_unit_price").iter_rows())["11"] == Decimal(6)
    assert lists.select("chain_id", "store_id", "name").rows() == [("7290027600007", 7, "דיל חולון")]


@pytest.mark.usefixtures("installation")
def test_a_day_without_files_is_empty_and_an_unknown_feed_an_error() -> None:
    assert len(gogobe.prices("rami_levy", date(2026, 1, 2))) == 0
    with pytest.raises(SettingsError, match="rami_levy"):
        gogobe.prices("rami_levi", TODAY)


@pytest.mark.slow
def test_importing_it_is_cheap_and_reading_never_needs_dagster(published: Path) -> None:
    program = f"""
import sys, gogobe_dagster as gogobe
heavy = {{"polars", "pyarrow", "pandas", "numpy", "sqlalchemy", "pydantic", "lxml"}} & sys.modules.keys()
assert not heavy, heavy
assert len(gogobe.read({str(published)!r}).prices) == 1
gogobe.prices
assert "dagster" not in sys.modules
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr


def test_there_is_nothing_else_and_everything_offered_is_there() -> None:
    assert {name for name in gogobe.__all__ if not hasattr(gogobe, name)} == set()
    assert set(gogobe.__all__) <= set(dir(gogobe))
    with pytest.raises(AttributeError, match="no attribute 'pricez'"):
        _ = gogobe.pricez  # type: ignore[attr-defined]


@pytest.mark.usefixtures("installation")
def test_the_examples_of_the_page_run(
    published: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(published.parent)
    examples = re.findall(
        r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )

    exec(compile("".join(examples), str(PAGE), "exec"), {})  # noqa: S102 - what the page tells people to run

    printed = capsys.readouterr().out
    assert f"published/{LOGIN} html_instead_of_file" in printed
    assert f"published/{PRICES_NAME} was read" in printed
