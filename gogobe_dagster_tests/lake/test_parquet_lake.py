"""The lake keeps exactly what it was given, and a file is there whole or not at all."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from gogobe_dagster.errors import Code, ContentError
from gogobe_dagster.files.kinds import Document
from gogobe_dagster.lake import parquet_lake as lake_module
from gogobe_dagster.lake.parquet_lake import Lake
from gogobe_dagster.parsing.model import PRICES, SCHEMA_VERSION, STORES

DAY = date(2026, 11, 23)
EMPTY = pl.DataFrame(schema=pl.Schema(PRICES)).drop("file_id")


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.slow)])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    root: str = request.getfixturevalue("bucket") if request.param == "bucket" else str(tmp_path)
    return Lake(f"{root}/lake")


def milk(*prices: str) -> pl.DataFrame:
    """Rows of one file: milk at these prices, everything else null."""
    rows = [
        {
            "row_number": number,
            "code": f"729000004264{number % 10}",
            "name": "חלב תנובה 3%",
            "price": Decimal(price),
            "price_set_at": datetime(2026, 11, 23, 5, 30, tzinfo=UTC),
        }
        for number, price in enumerate(prices, 1)
    ]
    return pl.DataFrame(rows, schema=EMPTY.schema)


def files_in(lake: Lake) -> list[str]:
    root = lake._root  # noqa: SLF001 - nothing public lists a lake
    return sorted(path.name for path in root.glob("**/*") if path.is_file())


def test_rows_come_back_as_they_were_given(lake: Lake) -> None:
    given = milk("6.90", "0", "-1.2345", "9999999999.9999")

    with lake.batch(Document.PRICES, feed="rami_levy", day=DAY, key="one") as batch:
        batch.add(17, given)

    assert batch.path == "prices/feed=rami_levy/day=2026-11-23/one.parquet"
    read = lake.read(Document.PRICES, {17: batch.path})
    assert read.columns == PRICES.names
    assert read.schema == pl.Schema(PRICES)
    assert read.drop("file_id").equals(given)
    assert read["file_id"].unique().to_list() == [17]


def test_only_the_files_asked_for_are_read_ordered_by_file_and_row(lake: Lake) -> None:
    with lake.batch(Document.PRICES, feed="keshet", day=DAY, key="a") as first:
        first.add(9, milk("1", "2"))
        first.add(3, milk("3"))
        first.add(4, milk("4"))
    with lake.batch(Document.PRICES, feed="keshet", day=DAY, key="b") as second:
        second.add(5, milk("5"))

    read = lake.read(Document.PRICES, {9: first.path, 5: second.path, 3: first.path})

    assert read.select("file_id", "row_number").rows() == [(3, 1), (5, 1), (9, 1), (9, 2)]


def test_nothing_asked_for_is_an_empty_table_of_the_model(lake: Lake) -> None:
    for document, schema in ((Document.PRICES, PRICES), (Document.STORES, STORES)):
        assert lake.read(document, {}).schema == pl.Schema(schema)


def test_a_batch_without_rows_is_a_file_all_the_same(lake: Lake) -> None:
    with lake.batch(Document.PRICES, feed="keshet", day=DAY, key="none") as batch:
        batch.add(1, EMPTY)

    assert len(lake.read(Document.PRICES, {1: batch.path})) == 0
    assert files_in(lake) == ["none.parquet"]


def test_an_exception_leaves_no_file_and_spoils_none(lake: Lake) -> None:
    with lake.batch(Document.PRICES, feed="keshet", day=DAY, key="a") as before:
        before.add(1, milk("6.90"))

    def fail_half_way() -> None:
        with lake.batch(Document.PRICES, feed="keshet", day=DAY, key="a") as batch:
            batch.add(1, milk("1.00"))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail_half_way()

    assert files_in(lake) == ["a.parquet"]
    assert lake.read(Document.PRICES, {1: before.path})["price"].to_list() == [Decimal("6.9000")]


def test_the_same_key_overwrites(lake: Lake) -> None:
    for price in ("6.90", "7.10"):
        with lake.batch(Document.PRICES, feed="keshet", day=DAY, key="a") as batch:
            batch.add(1, milk(price))

    assert files_in(lake) == ["a.parquet"]
    assert lake.read(Document.PRICES, {1: batch.path})["price"].to_list() == [Decimal("7.1000")]


def test_small_files_share_a_row_group_and_memory_holds_one(tmp_path: Path) -> None:
    lake, some = Lake(str(tmp_path)), milk(*["6.90"] * 30_000)

    with lake.batch(Document.PRICES, feed="keshet", day=DAY, key="many") as batch:
        for file_id in range(10):
            batch.add(file_id, some)
            assert batch._rows < lake_module.ROW_GROUP  # noqa: SLF001 - what is held in memory

    meta = pq.ParquetFile(tmp_path / batch.path).metadata
    assert [meta.row_group(number).num_rows for number in range(meta.num_row_groups)] == [
        120_000,
        120_000,
        60_000,
    ]
    assert meta.row_group(0).column(0).compression == "ZSTD"
    assert meta.metadata[b"gogobe.schema_version"] == str(SCHEMA_VERSION).encode()
    schema = pq.read_schema(tmp_path / batch.path)
    assert [schema.field(field.name) for field in PRICES] == list(PRICES)
    assert schema.field("price").metadata == PRICES.field("price").metadata
    assert len(lake.read(Document.PRICES, {7: batch.path})) == 30_000


def test_a_file_that_is_not_there_is_an_error_and_not_no_rows(lake: Lake) -> None:
    path = "prices/feed=keshet/day=2026-11-23/gone.parquet"
    with pytest.raises(ContentError, match=path) as caught:
        lake.read(Document.PRICES, {1: path})
    assert caught.value.code == Code.LAKE_FILE_MISSING
    assert not lake.has(path)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: content[:0], id="empty"),
        pytest.param(lambda content: content[:2], id="two bytes"),
        pytest.param(lambda content: bytes(len(content)), id="zeros"),
        pytest.param(lambda content: content[:-50], id="cut off"),
    ],
)
def test_a_file_that_a_power_cut_spoiled_is_not_there(lake: Lake, spoil: Callable[[bytes], bytes]) -> None:
    with lake.batch(Document.PRICES, feed="keshet", day=DAY, key="one") as batch:
        batch.add(1, milk("6.90"))
    assert lake.has(batch.path)

    path = lake._root / batch.path  # noqa: SLF001 - nothing public spoils a lake
    path.write_bytes(spoil(path.read_bytes()))
    assert not lake.has(batch.path)


def test_a_file_that_cannot_be_read_is_put_aside_and_missing(lake: Lake) -> None:
    with lake.batch(Document.PRICES, feed="keshet", day=DAY, key="one") as batch:
        batch.add(1, milk("6.90"))
    path = lake._root / batch.path  # noqa: SLF001 - nothing public spoils a lake
    content = path.read_bytes()
    path.write_bytes(content[:4] + bytes(len(content) - 8) + content[-4:])
    assert lake.has(batch.path)

    with pytest.raises(ContentError, match="cannot be read") as caught:
        lake.read(Document.PRICES, {1: batch.path})
    assert caught.value.code == Code.LAKE_FILE_MISSING
    assert not lake.has(batch.path)
    assert files_in(lake) == ["one.parquet.damaged"]
