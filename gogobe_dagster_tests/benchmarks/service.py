"""How fast the service answers at a steady rate: `make bench NAME="service --rows 30000000"`.

The warehouse is that of `queries`; the service runs in a process of its own. Requests start by the clock,
whether earlier ones were answered or not, so that waiting counts. The last line is one JSON object.
"""

import argparse
import asyncio
import multiprocessing
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from gogobe_dagster.postgres.roles import OWNER, READER
from gogobe_dagster.questions.reader import Reader
from gogobe_dagster.service.server import make_server
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.benchmarks.queries import ITEMS, build, temporary_warehouse
from gogobe_dagster_tests.benchmarks.runner import finish
from gogobe_dagster_tests.ports import free_port

TOWN = quote("ירושלים")
NAMES = ["חלב", "תנובה קוטג", "שוקו"]
GTIN = "select gtin from product where gtin is not null order by product_key limit 200"


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000, help="Current prices to make.")
    parser.add_argument("--rate", type=int, default=50, help="Requests a second.")
    parser.add_argument("--seconds", type=int, default=20, help="How long.")
    arguments = parser.parse_args()
    with temporary_warehouse() as url, psycopg.connect(url, autocommit=True) as connection:
        build(connection, url, stores=max(50, arguments.rows // ITEMS))
        gtins = [gtin for (gtin,) in connection.execute(GTIN)]
        with _serving(url.replace(OWNER, READER, 1)) as address:
            took = asyncio.run(_ask(address, gtins, rate=arguments.rate, seconds=arguments.seconds))
    _show(took)
    finish({f"p95_{name}_ms": _p95(times) for name, times in took.items()})


@contextmanager
def _serving(url: str) -> Iterator[str]:
    port = free_port()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(url, port), daemon=True)
    process.start()
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address)
        yield address
    finally:
        process.terminate()
        process.join()


def _serve(url: str, port: int) -> None:
    make_server(Reader(url), Settings(), port=port).run()


def _wait_for(address: str) -> None:
    while True:
        try:
            httpx.get(f"{address}/v1/health", timeout=60).raise_for_status()
        except httpx.ConnectError:
            time.sleep(0.1)
        else:
            return


def _questions(gtins: list[str]) -> dict[str, tuple[str, str, Any]]:
    """Return one request of each kind."""
    gtin = random.choice(gtins)
    items = [{"gtin": other, "quantity": 2} for other in random.sample(gtins, 30)]
    return {
        "product": ("GET", f"products/{gtin}", None),
        "prices": ("GET", f"products/{gtin}/prices", None),
        "prices_in_town": ("GET", f"products/{gtin}/prices?locality={TOWN}", None),
        "history": ("GET", f"products/{gtin}/history?store_key={random.randint(1, 50)}", None),
        "promotions": ("GET", f"products/{gtin}/promotions?locality={TOWN}", None),
        "search": ("GET", f"search?q={quote(random.choice(NAMES))}", None),
        "basket": ("POST", "basket", {"items": items, "locality": "3000"}),
    }


SHARES = {
    "prices": 5,
    "prices_in_town": 5,
    "product": 4,
    "history": 2,
    "promotions": 2,
    "search": 1,
    "basket": 1,
}
"""How often each kind is asked, of twenty."""


async def _ask(address: str, gtins: list[str], *, rate: int, seconds: int) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in SHARES}
    async with httpx.AsyncClient(base_url=f"{address}/v1/", timeout=60) as client:

        async def one_of(name: str, method: str, path: str, body: Any) -> None:
            began = time.perf_counter()
            response = await client.request(method, path, json=body)
            response.raise_for_status()
            took[name].append(1000 * (time.perf_counter() - began))

        async with asyncio.TaskGroup() as asking:
            for name in random.choices(list(SHARES), list(SHARES.values()), k=rate * seconds):
                asking.create_task(one_of(name, *_questions(gtins)[name]))
                await asyncio.sleep(1 / rate)
    return {"all": [time for times in took.values() for time in times], **took}


def _p95(times: list[float]) -> float:
    return round(statistics.quantiles(times, n=20)[-1], 1) if len(times) > 1 else 0.0


def _show(took: dict[str, list[float]]) -> None:
    table = Table("question", "requests", "median ms", "p95 ms")
    for name, times in took.items():
        table.add_row(name, str(len(times)), f"{statistics.median(times or [0]):.1f}", str(_p95(times)))
    Console().print(table)


if __name__ == "__main__":
    main()
