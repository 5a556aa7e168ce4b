"""From published files to committed rows, against the least that any importer of these files must do.

    make bench NAME=load
    python -m gogobe_dagster_tests.benchmarks.load --scale 0.1 --rounds 1

Two feeds of 50 stores, about 6,000 items each, two processes, the embedded server with the settings that
everybody gets. Demands, as ratios of one run: with 3 % of the prices changed at least 0.75 of the
baseline, the first load 0.65; a hundred times an importer that upserts row by row; 300 deltas of 20 rows a
second; with `--large`, less than 1.3 times the cost of a price with 30 million in the table instead of one;
full promotions of 400 stores in less than 60 seconds.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from gogobe_dagster.postgres.server import EmbeddedPostgres
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.warehouse.schema.migrate import connect
from gogobe_dagster_tests.benchmarks.meter import Meter
from gogobe_dagster_tests.benchmarks.price_loads import (
    CHANGED_DAY,
    DELTA_DAY,
    FEEDS,
    FIRST_DAY,
    LoadSetup,
    Processes,
    copy_every_row,
    deltas,
    fulls,
    fulls_a_day_later,
    new_warehouse,
    ours,
    plain,
    publish,
    two_processes,
)
from gogobe_dagster_tests.benchmarks.price_tables import crowd, row_sizes
from gogobe_dagster_tests.benchmarks.promotion_loads import promotions
from gogobe_dagster_tests.benchmarks.real_loads import real
from gogobe_dagster_tests.benchmarks.runner import Contender, Result, finish, run_in_turn, show
from gogobe_dagster_tests.benchmarks.runner_cpu import CpuMeter
from gogobe_dagster_tests.conftest import DEFAULT_CORPUS
from gogobe_dagster_tests.postgres.servers import postmaster_of, temporary_folder

STORES, ITEMS = 50, 7_400  # a store sells four in five of the items
DELTAS = 12_000
PLAIN_FILES = 2
CROWDS = (1_000_000, 30_000_000)
BASELINE, CHANGED, FIRST = "baseline: copy every row", "ours, a day later", "ours, first load"
PLAIN = "plain: upserts, one process"
PUBLISHED, LOADED, WITH_DELTAS, WORK = "published", "loaded", "with_deltas", "work"
"""Databases: files fetched; the first day's in the tables; deltas fetched too; the copy that is worked on."""

Figures = dict[str, float | int | str]


@click.command()
@click.option("--scale", default=1.0, help="Of 100 stores, 12,000 deltas and 400 stores with promotions.")
@click.option("--rounds", default=3, help="The best of so many counts.")
@click.option(
    "--corpus", type=Path, default=DEFAULT_CORPUS, help="Folder of real files, read if it is there."
)
@click.option("--setting", multiple=True, help="Of the server, in place of ours: wal_compression=on.")
@click.option("--large", is_flag=True, help="Compare with 30 million prices in the table: 15 minutes, 25 GB.")
def main(scale: float, rounds: int, corpus: Path, setting: Sequence[str], large: bool) -> None:  # noqa: FBT001 - click passes flags so
    """Measure, print the tables, and the ratios as the last line."""
    with _server(setting) as setup, two_processes() as processes:
        _publish(setup, processes, scale)
        figures = _prices(setup, processes, rounds) | _small_files(setup, processes)
        figures |= real(setup, corpus, scale=scale, rounds=rounds) | _row_sizes(setup, processes)
        if large:
            figures |= _crowded(setup, processes, rounds)
        figures |= _promotions(setup, scale)
    figures["machine_load"] = round(os.getloadavg()[0], 1)
    finish(figures)


@contextmanager
def _server(settings: Sequence[str]) -> Iterator[LoadSetup]:
    """Run an embedded server of its own."""
    options = dict(setting.split("=", 1) for setting in settings)
    with temporary_folder() as folder:
        server = EmbeddedPostgres(folder / "postgres", options=options)
        server.start()
        try:
            yield LoadSetup(server, folder)
        finally:
            server.stop()


def _publish(setup: LoadSetup, processes: Processes, scale: float) -> None:
    """Make the databases that the contenders start from."""
    stores = max(round(STORES * scale), 1)
    market = SyntheticMarket(stores=stores, items=ITEMS)
    new_warehouse(setup, PUBLISHED)
    publish(setup, PUBLISHED, fulls(market))
    publish(setup, PUBLISHED, fulls_a_day_later(market))
    setup.copy(PUBLISHED, LOADED)
    ours(processes, setup, LOADED, FIRST_DAY)
    setup.vacuum(LOADED)
    setup.copy(LOADED, WITH_DELTAS)
    a_store = max(round(DELTAS * scale / stores / len(FEEDS)), 1)
    publish(setup, WITH_DELTAS, deltas(market, DELTA_DAY, a_store=a_store))


def _prices(setup: LoadSetup, processes: Processes, rounds: int) -> Figures:
    cpu = CpuMeter(Meter(postmaster_of(setup.server)))
    contenders = [
        Contender(
            name=BASELINE,
            prepare=lambda: setup.copy(PUBLISHED, WORK),
            run=lambda: copy_every_row(processes, setup, WORK, CHANGED_DAY),
        ),
        Contender(
            name=CHANGED,
            prepare=lambda: setup.copy(LOADED, WORK),
            run=lambda: ours(processes, setup, WORK, CHANGED_DAY),
        ),
        Contender(
            name=FIRST,
            prepare=lambda: setup.copy(PUBLISHED, WORK),
            run=lambda: ours(processes, setup, WORK, FIRST_DAY),
        ),
    ]
    results = run_in_turn([cpu.watch(contender) for contender in contenders], rounds=rounds)
    setup.copy(PUBLISHED, WORK)
    by_hand = Contender(name=PLAIN, run=lambda: plain(setup, WORK, FIRST_DAY, files=PLAIN_FILES))
    results |= run_in_turn([by_hand], rounds=1)
    show("full price files, two processes", results, unit="prices", against=BASELINE)
    cpu.show("CPU, in millionths of a second a price")
    names = {"baseline": BASELINE, "changed": CHANGED, "first": FIRST}
    return _ratios(results) | {f"{key}_cpu": round(cpu.spent[name].total, 2) for key, name in names.items()}


def _ratios(results: Mapping[str, Result]) -> Figures:
    changed, first, baseline = results[CHANGED].rate, results[FIRST].rate, results[BASELINE].rate
    return {
        "prices": results[CHANGED].units,
        "changed_prices_per_second": round(changed),
        "first_prices_per_second": round(first),
        "changed_to_baseline": round(changed / baseline, 3),
        "first_to_baseline": round(first / baseline, 3),
        "changed_to_plain": round(changed / results[PLAIN].rate, 1),
        "first_to_plain": round(first / results[PLAIN].rate, 1),
    }


def _small_files(setup: LoadSetup, processes: Processes) -> Figures:
    setup.copy(WITH_DELTAS, WORK)
    run = Contender(name="deltas", run=lambda: ours(processes, setup, WORK, DELTA_DAY))
    done = run_in_turn([run], rounds=1)["deltas"]
    files = setup.count(WORK, f"file where state = 'loaded' and publication_day = '{DELTA_DAY}'")
    Console(width=120).print(
        f"{files:,} deltas in {done.seconds:.1f} s: {files / done.seconds:,.0f} a second"
    )
    return {"deltas": files, "deltas_per_second": round(files / done.seconds)}


def _row_sizes(setup: LoadSetup, processes: Processes) -> Figures:
    """Measure the tables as they are a day later, with periods that have ended."""
    setup.copy(LOADED, WORK)
    ours(processes, setup, WORK, CHANGED_DAY)
    return row_sizes(setup, WORK)


def _crowded(setup: LoadSetup, processes: Processes, rounds: int) -> Figures:
    """Load the changed day beside few and beside many prices of other stores."""
    for number in CROWDS:
        crowd(setup, LOADED, f"crowd_{number}", number)
    results = run_in_turn(
        [
            Contender(
                name=f"beside {number:,} prices",
                prepare=lambda number=number: setup.copy(f"crowd_{number}", WORK),  # type: ignore[misc]
                run=lambda: ours(processes, setup, WORK, CHANGED_DAY),
            )
            for number in CROWDS
        ],
        rounds=rounds,
    )
    few, many = results.values()
    show("a day later, in small and large tables", results, unit="prices", against=few.name)
    return {"large_cost_ratio": round(few.rate / many.rate, 3)}


def _promotions(setup: LoadSetup, scale: float) -> Figures:
    new_warehouse(setup, "promotions")
    engine = connect(setup.server.admin_url("promotions"))
    try:
        return promotions(engine, Path(setup.folder / "lake"), scale)
    finally:
        engine.dispose()


if __name__ == "__main__":
    main()
