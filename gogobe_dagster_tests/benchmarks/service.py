"""How fast the service answers at a steady rate: `make bench NAME="service --rows 30000000"`.

The warehouse is that of `queries`; the service runs in a process of its own. First each kind of question is
asked alone, to see what it costs: CPU of the service and of PostgreSQL, which other work on the machine
hardly changes. Then requests start by the clock, whether earlier ones were answered or not, so that waiting
counts. The last line is one JSON object.
"""

import argparse
import asyncio
import multiprocessing
import random
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from gogobe_dagster.postgres.roles import OWNER, READER
from gogobe_dagster.questions.reader import Reader
from gogobe_dagster.service.server import make_server
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.benchmarks.meter import Meter
from gogobe_dagster_tests.benchmarks.queries import ITEMS, build, temporary_warehouse
from gogobe_dagster_tests.benchmarks.runner import Contender, finish
from gogobe_dagster_tests.benchmarks.runner_cpu import CpuMeter, Spent
from gogobe_dagster_tests.ports import free_port

TOWN = quote("ירושלים")
WARM = 8
"""Requests of a kind that are not measured."""
NAMES = ["חלב", "תנובה קוטג", "שוקו"]
GTIN = "select gtin from product where gtin is not null order by product_key limit 200"


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000, help="Current prices to make.")
    parser.add_argument("--rate", type=int, default=50, help="Requests a second.")
    parser.add_argument("--seconds", type=int, default=20, help="How long.")
    parser.add_argument("--alone", type=int, default=100, help="Requests of each kind to find their cost.")
    arguments = parser.parse_args()
    with temporary_warehouse() as url, psycopg.connect(url, autocommit=True) as connection:
        build(connection, url, stores=max(50, arguments.rows // ITEMS))
        gtins = [gtin for (gtin,) in connection.execute(GTIN)]
        with _serving(url.replace(OWNER, READER, 1)) as address:
            spent = _spend(address, gtins, Meter(_postmaster(connection)), arguments.alone)
            took = asyncio.run(_ask(address, gtins, rate=arguments.rate, seconds=arguments.seconds))
    _show(took, spent)
    cpu = {f"cpu_{name}_ms": round(cost.total / 1000, 2) for name, cost in spent.items()}
    finish({**cpu, **{f"p95_{name}_ms": _p95(times) for name, times in took.items()}})


def _postmaster(connection: psycopg.Connection) -> psutil.Process:
    server = psutil.Process(connection.info.backend_pid).parent()
    assert server is not None
    return server


def _spend(address: str, gtins: list[str], meter: Meter, requests: int) -> dict[str, Spent]:
    """Return what a request of each kind costs, and what one of the mixture does."""
    spent: dict[str, Spent] = {}
    with httpx.Client(base_url=f"{address}/v1/", timeout=60) as client:
        for kind in SHARES:

            def ask(number: int, kind: str = kind) -> int:
                for _ in range(number):
                    _send(client, *_questions(gtins)[kind])
                return number

            ask(WARM)  # connections, prepared statements, caches
            cpu = CpuMeter(meter)
            cpu.watch(Contender(name=kind, run=lambda: ask(requests))).run()
            spent |= cpu.spent
    return {"all": _mixture(spent), **spent}


def _mixture(spent: Mapping[str, Spent]) -> Spent:
    whole = sum(SHARES.values())
    return Spent(
        own=sum(spent[kind].own * share for kind, share in SHARES.items()) / whole,
        server=sum(spent[kind].server * share for kind, share in SHARES.items()) / whole,
    )


def _send(client: httpx.Client, method: str, path: str, body: Any) -> None:
    client.request(method, path, json=body).raise_for_status()


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


def _show(took: dict[str, list[float]], spent: Mapping[str, Spent]) -> None:
    table = Table("question", "requests", "median ms", "p95 ms", "CPU ms", "service", "PostgreSQL")
    for name, times in took.items():
        cpu = [
            f"{spent[name].total / 1000:.1f}",
            f"{spent[name].own / 1000:.1f}",
            f"{spent[name].server / 1000:.1f}",
        ]
        table.add_row(name, str(len(times)), f"{statistics.median(times or [0]):.1f}", str(_p95(times)), *cpu)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
