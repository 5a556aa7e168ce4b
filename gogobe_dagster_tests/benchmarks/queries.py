"""How fast the views for people answer at the size of a country: `make bench NAME="queries --rows 30000000"`.

Builds a synthetic warehouse in an embedded server of its own, in a temporary folder that goes afterwards.
Of each question: what the server works on it, and how long it takes with the rows fetched into Python. The
last line is one JSON object: milliseconds a question, bytes of a current price and of a row of history.
"""

import argparse
import json
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster.warehouse.schema.migrate import connect, migrate
from gogobe_dagster.warehouse.schema.monthly_partitions import ensure_partitions
from gogobe_dagster.warehouse.statistics.update import update_statistics
from gogobe_dagster_tests.benchmarks.runner import finish

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ITEMS = 10_000
"""Products of a store, as large ones have; 30 million prices make 3,000 stores, more than the country has."""
LIMIT = 50.0
"""Milliseconds that a person does not notice."""
TURNS = 7
LINES = 30
"""Products in a basket."""
BUILD = Path(__file__).with_name("queries.sql")
IN_STORE = "chain_id = %(chain_id)s and sub_chain_id = 1 and store_id = %(store)s"
QUERIES = {
    "a product's prices over the country": "select * from current_prices where gtin = %(gtin)s",
    "where a product is cheapest": "select * from cheapest_prices where gtin = %(gtin)s",
    "a product's prices in a town": """select * from current_prices
        where gtin = %(gtin)s and locality_name = 'ירושלים'""",
    "a store's price list": f"""select gtin, code, product_name, price, published_unit_price
        from current_prices
        where {IN_STORE}""",
    "a price history in a store": f"select * from price_periods where gtin = %(gtin)s and {IN_STORE}",
    "a price history over the country": "select * from price_periods where gtin = %(gtin)s",
    "what a store changed in three weeks": """select * from price_changes
        where store_key = %(store)s and changed_at > timestamptz '2026-11-03'""",
    "search: one frequent word": "select * from search_products('חלב')",
    "search: two words": "select * from search_products('תנובה קוטג')",
    "search: part of a word": "select * from search_products('שוקו')",
    "search: misspelled": "select * from search_products('שוקלד עליט')",
    "search: nothing like it": "select * from search_products('צפרדעים מטוגנות')",
    "search: a GTIN": "select * from search_products('7290000002001')",
    "a basket of 30 products in a town": "select * from basket(%(items)s, 'ירושלים')",
    "a basket of 30 products in a district": "select * from basket(%(items)s, in_district => 'ירושלים')",
    "where a product is cheapest in a chain": """select * from current_prices
        where gtin = %(gtin)s and chain_id = %(chain_id)s order by price, store_key limit 10""",
    "silent stores": "select * from silent_stores",
    "what became of a file": "select * from published_files where feed = 'keshet' and name = 'Price100.gz'",
    "a product in each chain, day by day": "select * from product_daily where gtin = %(gtin)s",
    "what a chain changed on a day": """select * from chain_price_changes
        where chain_id = %(chain_id)s and day = '2026-11-23'""",
    "the price index by week": "select * from chain_price_index where period = 'week'",
    "what one chain sells and another does not": """select * from chain_only_products
        where chain_id = %(chain_id)s and other_chain_id = '7290000000020'""",
    "specials of a product in a town": """select * from real_discounts
        where gtin = %(gtin)s and locality_name = 'ירושלים'""",
    "specials of a product in the country": "select * from real_discounts where gtin = %(gtin)s",
    "the best specials of a chain": """select * from chain_discounts
        where chain_id = %(chain_id)s order by percent_off_median_30 desc limit 50""",
    "a chain's coverage": "select * from store_coverage where chain_id = '7290000000007'",
    "a product's promotions in the country": """select * from promotions_now
        where product_key = %(product)s""",
    "a product's promotions in a store": """select * from promotions_now
        where product_key = %(product)s and store_key = %(store)s""",
    "a store's promotions without items": """select p.* from promotion_store ps
        join promotion p using (promotion_key) where ps.store_key = %(store)s and ps.valid_to is null""",
    "a store's promotions with their items": f"""select promotion_id, description, gtin, product_name,
        effective_unit_price, regular_price from promotions_now
        where {IN_STORE}""",
}
SIZES = """
select sum(pg_table_size(c.oid))::float8, sum(pg_indexes_size(c.oid))::float8 from pg_class c
where c.oid = %(name)s::regclass
or c.oid in (select inhrelid from pg_inherits where inhparent = %(name)s::regclass)
"""


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="Current prices to make.")
    parser.add_argument("--explain", action="store_true", help="Print the plan of every query.")
    arguments = parser.parse_args()
    with temporary_warehouse() as url, psycopg.connect(url, autocommit=True) as connection:
        seconds = build(connection, url, stores=max(50, arguments.rows // ITEMS))
        figures = {name: _answered(connection, query) for name, query in QUERIES.items()}
        if arguments.explain:
            _explain(connection)
        sizes = _sizes(connection)
    _show(figures)
    finish({**_keys(figures), **sizes, "build_seconds": round(seconds)})


@contextmanager
def temporary_warehouse() -> Iterator[str]:
    """Give the URL of an empty database on a server that goes afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="gogobe-queries-"))
    folder.chmod(0o755)  # the server's account has to get in when root runs this
    options = {"fsync": "off", "max_wal_size": "4GB"}
    server = EmbeddedPostgres(folder / "postgres", options=options)
    try:
        server.start()
        yield server.url("gogobe")
    finally:
        server.stop()
        shutil.rmtree(folder)


def build(connection: psycopg.Connection, url: str, *, stores: int) -> float:
    """Fill it; return the seconds that took."""
    started = time.perf_counter()
    migrate(url)
    engine = connect(url)
    ensure_partitions(engine, [NOW - timedelta(days=days) for days in (0, 30, 60, 90)])
    script = BUILD.read_text(encoding="utf-8")
    for statement in script.replace(":stores", str(stores)).replace(":items", str(ITEMS)).split(";\n"):
        connection.execute(statement.encode())
    connection.execute("vacuum analyze")
    began = time.perf_counter()
    print(update_statistics(engine, now=NOW), f"in {time.perf_counter() - began:.1f} s")
    engine.dispose()
    connection.execute("vacuum analyze")
    return time.perf_counter() - started


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How long a question takes, in milliseconds."""

    server: float
    """Planning and execution."""
    fetched: float
    """From asking to the last row in Python."""
    rows: int


def _answered(connection: psycopg.Connection, query: str) -> Answered:
    """Ask for several stores and products, each twice; the medians of the second times."""
    server, fetched, rows = [], [], []
    for turn in range(TURNS):
        asked = _asked(turn)
        for _ in range(2):
            started = time.perf_counter()
            answer = connection.execute(query.encode(), asked).fetchall()
            took = time.perf_counter() - started
        fetched.append(took * 1000)
        rows.append(len(answer))
        explained = f"explain (analyze, timing off, format json) {query}"
        (plan,) = connection.execute(explained.encode(), asked).fetchone() or ([{}],)
        server.append(plan[0]["Planning Time"] + plan[0]["Execution Time"])
    median = statistics.median
    return Answered(server=median(server), fetched=median(fetched), rows=round(median(rows)))


def _asked(turn: int) -> dict[str, int | str]:
    """A store and a product, by our keys and by what people know them by (queries.sql)."""
    store, product = 3 + 5 * turn, 11 + 100 * turn
    chain_id, gtin = 7_290_000_000_001 + store % 34, 7_290_000_000_000 + product
    items = json.dumps([{"gtin": str(gtin + line), "quantity": 1 + line % 3} for line in range(LINES)])
    return {"store": store, "chain_id": str(chain_id), "product": product, "gtin": str(gtin), "items": items}


def _explain(connection: psycopg.Connection) -> None:
    for name, query in QUERIES.items():
        print(f"\n{name}")
        for (line,) in connection.execute(f"explain (analyze, buffers) {query}".encode(), _asked(1)):
            print(f"  {line}")


def _sizes(connection: psycopg.Connection) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for table in ("price_current", "price_past", "chain_product"):
        rows = _one(connection, f"select count(*) from {table}")[0]
        heap, indexes = _one(connection, SIZES, {"name": table})
        sizes |= {f"{table}_rows": rows, f"{table}_bytes_a_row": round(heap / rows, 1)}
        sizes[f"{table}_index_bytes_a_row"] = round(indexes / rows, 1)
    return sizes


def _one(
    connection: psycopg.Connection, query: str, parameters: Mapping[str, object] | None = None
) -> tuple[float, ...]:
    row = connection.execute(query.encode(), parameters).fetchone()
    assert row is not None
    return row


def _show(figures: Mapping[str, Answered]) -> None:
    table = Table(title=f"Milliseconds an answer; the limit is {LIMIT:.0f}", title_justify="left")
    table.add_column("question")
    for heading in ("rows", "server", "with fetching"):
        table.add_column(heading, justify="right")
    for name, figure in figures.items():
        style = "red" if figure.server > LIMIT else ""
        table.add_row(name, f"{figure.rows:,}", f"{figure.server:.1f}", f"{figure.fetched:.1f}", style=style)
    Console(width=120).print(table)


def _keys(figures: Mapping[str, Answered]) -> dict[str, float]:
    keys = {re.sub(r"[^\w ]", "", name).replace(" ", "_"): figure for name, figure in figures.items()}
    return {key: round(entry.server, 1) for key, entry in keys.items()} | {
        f"{key}_fetched": round(entry.fetched, 1) for key, entry in keys.items()
    }


if __name__ == "__main__":
    main()
