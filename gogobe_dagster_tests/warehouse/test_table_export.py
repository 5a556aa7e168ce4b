"""Exported files say what the views say: whole files, exact money, flat memory."""

import tracemalloc
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from upath import UPath

from gogobe_dagster.warehouse.bulk_io.table_export import FileFormat, Only, Subject, export
from gogobe_dagster_tests.warehouse.making import CHAIN, NOON
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    MILK,
    TOMATO,
    Market,
    PriceFile,
    PriceRow,
    StoreList,
)

pytestmark = pytest.mark.slow

NAME = 'חלב, "תנובה"\nליטר'


@pytest.fixture
def market(engine: sa.Engine, tmp_path: Path) -> Market:
    market = Market.at(engine, tmp_path / "lake")
    market.load_lists(market.publish(StoreList(1, {(1, 1): "תלפיות"})))
    price_rows = [PriceRow(MILK, "7.0001", is_barcode=True, name=NAME), PriceRow(TOMATO, "5", "0.5", name="")]
    market.open(*[PriceFile(6, price_rows, store=store) for store in (1, 2)])
    market.offer(PromotionFile(7, [Offer("11", [MILK, TOMATO]), Offer("12")], is_full=True))
    return market


def exported(
    market: Market, folder: Path, subject: Subject, only: Only | None = None, *, format_: FileFormat
) -> pl.DataFrame:
    path = folder / f"out.{format_}"
    reported: list[int] = []
    rows = export(market.engine, subject, only or Only(), UPath(path), format_=format_, tell=reported.append)
    assert rows == sum(reported)
    assert [path.name for path in folder.iterdir() if path.is_file()] == [path.name]
    frame = (
        pl.read_parquet(path)
        if format_ is FileFormat.PARQUET
        else pl.read_csv(path, infer_schema_length=None)
    )
    assert len(frame) == rows
    return frame


@pytest.mark.parametrize(
    ("subject", "relation"),
    [
        (Subject.PRICES, "current_prices"),
        (Subject.PROMOTIONS, "promotions_now"),
        (Subject.STORES, "store_coverage"),
        (Subject.PRODUCTS, "chain_product"),
        (Subject.HISTORY, "price_periods"),
    ],
)
@pytest.mark.parametrize("format_", FileFormat)
def test_every_subject_has_the_rows_of_its_view(
    market: Market, tmp_path: Path, subject: Subject, relation: str, format_: FileFormat
) -> None:
    frame = exported(market, tmp_path, subject, format_=format_)

    assert [(len(frame),)] == market.ask(f"select count(*) from {relation}")


def test_parquet_has_exact_money_aware_times_and_any_text(market: Market, tmp_path: Path) -> None:
    frame = exported(market, tmp_path, Subject.PRICES, Only(store_ids=[1]), format_=FileFormat.PARQUET)

    milk, tomato = frame.sort("code", descending=True).to_dicts()
    assert (milk["price"], milk["published_unit_price"], milk["product_name"]) == (
        Decimal("7.0001"),
        None,
        NAME,
    )
    assert (milk["valid_from"], milk["store_name"]) == (NOON.replace(hour=6), "תלפיות")
    assert (tomato["price"], tomato["gtin"]) == (Decimal(5), None)
    query = f"select product_name from current_prices where code = '{TOMATO}' and store_id = 1"
    assert [(tomato["product_name"],)] == market.ask(query)


def test_only_what_is_asked_for_comes(market: Market, tmp_path: Path) -> None:
    wanted = [
        (Only(store_ids=[2]), 2),
        (Only(chain_ids=[CHAIN]), 4),
        (Only(chain_ids=["'; drop table store"]), 0),
        (Only(cities=["חיפה"]), 0),
    ]
    for only, rows in wanted:
        assert len(exported(market, tmp_path, Subject.PRICES, only, format_=FileFormat.PARQUET)) == rows


@pytest.mark.parametrize("asked", ["תל אביב", "תל-אביב", 'ת"א', "Tel Aviv", "5000", "5000 "])
@pytest.mark.parametrize("published", ["תל אביב - יפו", "5000", "תלאביב", None])
def test_a_city_is_known_however_it_is_written(
    market: Market, tmp_path: Path, asked: str, published: str | None
) -> None:
    address = {"city": published, "address": "הרצל 1, תל אביב"}
    market.load_lists(market.publish(StoreList(7, {(1, 2): "הרצל"}, addresses={(1, 2): address})))

    frame = exported(market, tmp_path, Subject.PRICES, Only(cities=[asked]), format_=FileFormat.PARQUET)

    assert frame["store_id"].to_list() == [2, 2]


def test_a_city_that_is_no_locality_is_looked_for_as_published(market: Market, tmp_path: Path) -> None:
    with market.engine.begin() as connection:
        connection.execute(sa.text("update store set city = 'צומת גבעון' where store_id = 2"))
    only = Only(cities=["צומת גבעון"])

    assert len(exported(market, tmp_path, Subject.STORES, only, format_=FileFormat.CSV)) == 1


def test_a_file_that_fails_half_way_leaves_what_was_there(market: Market, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")

    def no_more(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(market.engine, Subject.PRICES, Only(), UPath(path), format_=FileFormat.CSV, tell=no_more)

    assert path.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.csv"]


def test_memory_does_not_grow_with_the_rows(market: Market, tmp_path: Path) -> None:
    many = sa.text("""
        insert into store (chain_id, sub_chain_id, store_id, first_seen_at, last_seen_at)
        select chain_id, 1, 1000 + n, now(), now() from chain, generate_series(1, 20000) n
    """)
    prices = sa.text("""
        insert into price_current (store_key, product_key, price, valid_from, file_id)
        select s.store_key, p.product_key, 1, now(), 1 from store s, product p where s.store_id > 1000
    """)
    with market.engine.begin() as connection:
        connection.execute(many)
        connection.execute(prices)

    def peak(only: Only) -> int:
        tracemalloc.start()
        path = UPath(tmp_path / "out.csv")
        export(
            market.engine,
            Subject.PRICES,
            only,
            path,
            format_=FileFormat.CSV,
            tell=len_of.append,
            block_rows=2000,
        )
        grown = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return grown

    len_of: list[int] = []
    assert peak(Only()) < 2 * peak(Only(store_ids=range(1000, 4000)))
    assert sum(len_of) == 40_004 + 5_998


def test_a_name_that_a_spreadsheet_would_run_is_marked_in_csv_and_not_in_parquet(
    engine: sa.Engine, tmp_path: Path
) -> None:
    names = {MILK: "=1+1", TOMATO: "-50% \u05de\u05d1\u05e6\u05e2"}
    market = Market.at(engine, tmp_path / "lake")
    market.load_lists(market.publish(StoreList(1, {(1, 1): "@SUM"})))
    market.open(PriceFile(6, [PriceRow(code, "5", name=name) for code, name in names.items()], store=1))

    for format_, mark in ((FileFormat.CSV, "'"), (FileFormat.PARQUET, "")):
        prices = exported(market, tmp_path, Subject.PRICES, format_=format_)
        assert set(prices["product_name"]) == {mark + name for name in names.values()}
        assert set(prices["store_name"]) == {f"{mark}@SUM"}
        Path(tmp_path, f"out.{format_}").unlink()
