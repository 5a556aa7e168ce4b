"""How fast files become rows, against the least that any reader of these files must do.

    make bench NAME=parse
    python -m gogobe_dagster_tests.benchmarks.parse --scale 0.2 --rounds 1

Every contender works in processes of its own with one thread each. Demands, as ratios of one run:
one process at least 0.6 of the baseline, with Parquet 0.45, two processes 1.7 of one, 25 times
il-supermarket-parser, 1,000 delta files a second on two cores; the largest promotion document
in 250 MB at 300,000 items a second.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from gogobe_dagster_tests.benchmarks import parse_work
from gogobe_dagster_tests.benchmarks.parse_input import (
    InputFile,
    delta_files,
    full_files,
    largest_promotions,
    real_price_files,
)
from gogobe_dagster_tests.benchmarks.parse_promotions import read_promotions, read_short_ones
from gogobe_dagster_tests.benchmarks.parse_rival import RIVAL, read_by_rival
from gogobe_dagster_tests.benchmarks.runner import Contender, Result, finish, run_in_turn, show
from gogobe_dagster_tests.conftest import DEFAULT_CORPUS

DELTAS = 10_000
CHUNK = 200  # delta files, half of what a batch of an import takes
BARE = "baseline: gunzip, bare xml2arrow"
BARE_TWICE = "baseline, two processes"
READ = "read_file"
READ_TWICE = "read_file, two processes"
BATCH = "read_files, as a batch"
PARSED = "parsed: with Parquet"
DELTAS_ONCE, DELTAS_TWICE = "delta files parsed", "delta files parsed, two processes"

Figures = dict[str, float | int | str]


@click.command()
@click.option("--scale", default=1.0, help="Of 24 full files and 10,000 delta files.")
@click.option("--rounds", default=3, help="The best of so many counts.")
@click.option(
    "--corpus", type=Path, default=DEFAULT_CORPUS, help="Folder of real files, read if it is there."
)
@click.option("--rival-python", default="", help="Interpreter that has il-supermarket-parser; this one.")
def main(scale: float, rounds: int, corpus: Path, rival_python: str) -> None:
    """Measure, print the tables, and the ratios as the last line."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    figures: Figures = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-parse-")))
        single, double = (stack.enter_context(_pool(processes)) for processes in (1, 2))
        made = full_files(_below(folder, "in"), scale=scale)
        figures |= _full([made], single, double, folder, rounds=rounds, title="made-up", rival=rival_python)
        if real := [[file] for file in real_price_files(corpus)]:
            found = _full(real, single, double, folder, rounds=rounds, title="real", rival=None)
            figures |= {f"real_{name}": value for name, value in found.items()}
        else:
            Console().print(f"no real files at {corpus}")
        figures |= _deltas(folder, single, double, scale=scale, rounds=rounds)
        figures |= read_promotions(largest_promotions(corpus), folder, scale=scale)
        figures |= read_short_ones(scale=scale, rounds=rounds)
    finish(figures)


def _pool(processes: int) -> ProcessPoolExecutor:
    """Start the processes and let them import everything."""
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    list(pool.map(_warm, range(processes)))
    return pool


def _warm(_number: int) -> None:
    """Import what is needed, as each process does once."""


def _below(folder: Path, name: str) -> Path:
    (folder / name).mkdir(exist_ok=True)
    return folder / name


def _full(
    batches: Sequence[Sequence[InputFile]],
    single: ProcessPoolExecutor,
    double: ProcessPoolExecutor,
    folder: Path,
    *,
    rounds: int,
    title: str,
    rival: str | None,
) -> Figures:
    files = [file for batch in batches for file in batch]
    fields = [parse_work.row_fields(file) for file in files]
    lakes = [folder / f"lake of {title} files"] * len(batches)
    bare, read = parse_work.bare, parse_work.normalised
    results = run_in_turn(
        [
            Contender(name=BARE, run=lambda: sum(single.map(bare, files, fields))),
            Contender(name=READ, run=lambda: sum(single.map(read, files))),
            Contender(name=BATCH, run=lambda: sum(single.map(parse_work.read_as_batch, batches))),
            Contender(name=PARSED, run=lambda: sum(single.map(parse_work.parsed, batches, lakes))),
            Contender(name=BARE_TWICE, run=lambda: sum(double.map(bare, files, fields))),
            Contender(name=READ_TWICE, run=lambda: sum(double.map(read, files))),
        ],
        rounds=rounds,
    )
    ratios: Figures = {
        "read_of_limit": _ratio(results[READ], results[BARE]),
        "batch_of_limit": _ratio(results[BATCH], results[BARE]),
        "parquet_of_limit": _ratio(results[PARSED], results[BARE]),
        "scaling": _ratio(results[READ_TWICE], results[READ]),
        "scaling_of_limit": _ratio(results[BARE_TWICE], results[BARE]),
        "rows_per_second": round(results[READ].rate),
    }
    if rival is not None:
        ours = {"read": READ, "batch": BATCH}
        ratios |= read_by_rival(files, folder, results, ours, python=rival, rounds=rounds)
    served = sum(file.size for file in files) / 1e6
    show(f"{len(files)} {title} full files, {served:.0f} MB", results, unit="rows", against=BARE)
    if rival is not None and RIVAL not in results:
        Console().print(f"{RIVAL}: skipped, {ratios.pop('skipped')}")
    return ratios


def _ratio(result: Result, other: Result) -> float:
    return round(result.rate / other.rate, 3)


def _deltas(
    folder: Path, single: ProcessPoolExecutor, double: ProcessPoolExecutor, *, scale: float, rounds: int
) -> Figures:
    files = delta_files(_below(folder, "in"), number=max(CHUNK * 2, round(DELTAS * scale)))
    lake = folder / "lake of delta files"

    def parsed_by(pool: ProcessPoolExecutor) -> Callable[[], int]:
        def run() -> int:
            chunks = list(_chunks(files))
            list(pool.map(parse_work.parsed, chunks, [lake] * len(chunks)))
            return len(files)

        return run

    results = run_in_turn(
        [
            Contender(name=DELTAS_ONCE, run=parsed_by(single)),
            Contender(name=DELTAS_TWICE, run=parsed_by(double)),
        ],
        rounds=rounds,
    )
    show(f"{len(files):,} delta files of 20 rows", results, unit="files", against=DELTAS_ONCE)
    twice = results[DELTAS_TWICE]
    return {"deltas_per_second": round(twice.rate), "delta_scaling": _ratio(twice, results[DELTAS_ONCE])}


def _chunks(files: Sequence[InputFile]) -> Iterator[Sequence[InputFile]]:
    for start in range(0, len(files), CHUNK):
        yield files[start : start + CHUNK]


if __name__ == "__main__":
    main()
