"""Fuzz targets one after another: `make fuzz`, `make fuzz ARGS="names containers --seconds 600"`."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from gogobe_dagster_tests.fuzz.seeds import seeds
from gogobe_dagster_tests.fuzz.targets import TARGETS

CASES: Final = Path(__file__).parent / "cases"
MOST_BYTES: Final = 16_384
MOST_SECONDS: Final = 60
"""For one input, by the clock on the wall, of which a busy machine uses many; a longer one is a finding."""
EXECUTED: Final = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


class Fuzzed(NamedTuple):
    """What came of a target."""

    inputs: int
    found: list[Path]
    log: str


@click.command()
@click.argument("targets", nargs=-1, type=click.Choice(list(TARGETS)))
@click.option("--seconds", default=60, show_default=True, help="For each target.")
@click.option("--runs", default=-1, show_default=True, help="Inputs of each target at most; -1: no limit.")
def main(targets: tuple[str, ...], *, seconds: int, runs: int) -> None:
    """Fuzz these TARGETS, or all; exit 1 if an input gave neither rows nor a code.

    What is found is written to the folder `cases`, where the ordinary tests read it.
    """
    table = Table("target", "inputs", "found", title="Inputs that give neither rows nor a code")
    results = []
    for target in targets or TARGETS:
        results.append(result := fuzz(target, seconds=seconds, runs=runs))
        table.add_row(target, f"{result.inputs:,}", "\n".join(path.name for path in result.found) or "-")
        if result.found or not result.inputs:
            Console(stderr=True).print(result.log[-3_000:], markup=False)
    Console().print(table)
    Console().print(f"{sum(result.inputs for result in results):,} inputs")
    sys.exit(any(result.found or not result.inputs for result in results))


def fuzz(target: str, *, seconds: int, runs: int = -1) -> Fuzzed:
    """Fuzz a target in a process of its own, beginning with its seeds and cases."""
    known = set(_cases(target))
    with TemporaryDirectory(prefix="gogobe-fuzz-") as folder:
        corpus, found = Path(folder, "corpus"), Path(folder, "found")
        corpus.mkdir()
        found.mkdir()
        for number, seed in enumerate((*seeds(target), *(path.read_bytes() for path in known))):
            (corpus / f"{number}").write_bytes(seed)
        command: list[str | Path] = [
            *(sys.executable, "-m", "gogobe_dagster_tests.fuzz.fuzzing", target, corpus),
            *(f"-max_total_time={seconds}", f"-runs={runs}", f"-max_len={MOST_BYTES}"),
            *(
                f"-timeout={MOST_SECONDS}",
                f"-report_slow_units={MOST_SECONDS}",
                "-print_final_stats=1",
                f"-artifact_prefix={found}/",
            ),
        ]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        kept = [_keep(path, target) for path in found.iterdir()]
    inputs = EXECUTED.search(done.stderr)
    return Fuzzed(int(inputs[1]) if inputs else 0, kept, f"{done.stderr}\n{done.stdout}")


def _cases(target: str) -> Iterator[Path]:
    yield from sorted((CASES / target).glob("*"))


def _keep(path: Path, target: str) -> Path:
    kept = CASES / target / path.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(path.read_bytes())
    return kept


if __name__ == "__main__":
    main()
