"""The page of data describes every table and view, and every SQL block of the pages runs."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gogobe_dagster.warehouse.schema.enums import Decision
from gogobe_dagster.warehouse.schema.migrate import connect, migrate
from gogobe_dagster.warehouse.statistics.product_matches import decide
from gogobe_dagster.warehouse.statistics.update import update_statistics
from gogobe_dagster_tests.conftest import DatabaseServer
from gogobe_dagster_tests.docs.data_page import PAGE, columns_of, parts
from gogobe_dagster_tests.docs.pages import filled
from gogobe_dagster_tests.warehouse.making import NOON
from gogobe_dagster_tests.warehouse.promotions import Offer, PromotionFile
from gogobe_dagster_tests.warehouse.warehouse_harness import (
    BREAD,
    EGGS,
    MILK,
    Market,
    PriceFile,
    PriceRow,
    StoreList,
)

README = Path(__file__).parents[2] / "README.md"
_SQL = re.compile(r"```sql\n(.*?)```", re.DOTALL)
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in (PAGE, README)
    for number, block in enumerate(_SQL.findall(page.read_text(encoding="utf-8")), 1)
]
NEEDS_LUCK = re.compile(r"now\(\) - |'quarantined'")
"""Blocks whose answer depends on the day, or on bad luck with files."""


@pytest.fixture(scope="module")
def loaded_url(postgres_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with a few loaded files."""
    with postgres_server.database() as url:
        migrate(url)
        engine = connect(url)
        _load(Market.at(engine, tmp_path_factory.mktemp("lake")))
        engine.dispose()
        yield url


def _load(market: Market) -> None:
    cottage, milk, bread = (
        PriceRow(code, "7", is_barcode=True, name=name)
        for code, name in ((EGGS, "קוטג' תנובה 5%"), (MILK, "חלב תנובה"), (BREAD, "לחם אחיד"))
    )
    names, cities = {(1, 1): "תלפיות", (1, 3): 'ביל"ו'}, {(1, 1): {"city": "3000"}}
    market.load_lists(market.publish(StoreList(1, names, addresses=cities)))
    market.open(*[PriceFile(6, [cottage, milk, bread], is_full=True, store=store) for store in (1, 2)])
    market.open(PriceFile(8, [PriceRow(EGGS, "8.90", is_barcode=True, name=cottage.name)]))
    market.open(PriceFile(6, [bread], is_full=True, store=9, chain="7290027600007"))
    market.open(PriceFile(-90, [bread], is_full=True, store=3))
    market.offer(
        *[PromotionFile(6, [Offer("11", [EGGS, MILK])], is_full=True, store=store) for store in (1, 2)]
    )
    market.open(PriceFile(30, [PriceRow(EGGS, "9.90", is_barcode=True, name=cottage.name)], store=2))
    for store, chain in ((9, "7290027600007"), (8, "7290696200003")):
        onion = PriceRow("60", "4", name="בצל יבש", is_weighted=True)
        market.open(PriceFile(7, [onion], store=store, chain=chain))
    update_statistics(market.engine, now=NOON + timedelta(days=1))
    decide(market.engine, [1], Decision.ACCEPTED, now=NOON)


def test_every_table_and_view_is_described_with_its_columns(loaded_url: str) -> None:
    """`make docs` writes the tables of columns again; `filled` raises if one is missing or too many."""
    assert PAGE.read_text(encoding="utf-8") == filled(PAGE, parts(columns_of(loaded_url)))


@pytest.mark.parametrize(
    ("function", "call"),
    [("search_products", "search_products('x')"), ("basket", """basket('[{"gtin": "7290000000015"}]')""")],
)
def test_the_columns_of_functions_are_described(loaded_url: str, function: str, call: str) -> None:
    section = PAGE.read_text(encoding="utf-8").split(f"### {function}\n")[1].split("###")[0]
    engine = connect(loaded_url)
    with engine.connect() as connection:
        keys = list(connection.execute(sa.text(f"select * from {call}")).keys())
    engine.dispose()

    table = section.split("| column | meaning |")[1]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == keys


@pytest.mark.parametrize("block", BLOCKS)
def test_every_sql_block_of_the_pages_runs(loaded_url: str, block: str) -> None:
    statements = [part for part in re.split(r";\s*\n", f"{block}\n") if part.strip()]
    engine = connect(loaded_url)
    with engine.connect() as connection:
        for statement in statements:
            rows = connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).all()
            assert rows or NEEDS_LUCK.search(statement), f"no rows: {statement}"
    engine.dispose()
