"""Runs contenders in turn, prints a table of their figures with ratios, and the JSON line at the end.

A contender is a function that does the work once and returns the units done. Time is wall time; the best
round counts, because noise only ever adds.
"""

import gc
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way of doing the work."""

    name: str
    run: Callable[[], int]
    """Does the work once, from the same start each time, and returns the units done."""
    prepare: Callable[[], None] = field(default=lambda: None)
    """Makes that start; not timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A contender's best round."""

    name: str
    units: int
    seconds: float

    @property
    def rate(self) -> float:
        """Units per second."""
        return self.units / self.seconds


def run_in_turn(contenders: Sequence[Contender], *, rounds: int = ROUNDS) -> dict[str, Result]:
    """Run all contenders in turn, `rounds` times; return the best round of each, by name."""
    best: dict[str, Result] = {}
    for _ in range(rounds):
        for contender in contenders:
            contender.prepare()
            gc.collect()
            started = time.perf_counter()
            units = contender.run()
            seconds = time.perf_counter() - started
            if contender.name not in best or seconds < best[contender.name].seconds:
                best[contender.name] = Result(name=contender.name, units=units, seconds=seconds)
    return best


def show(title: str, results: Mapping[str, Result], *, unit: str, against: str) -> None:
    """Print the table; ratios are to the contender named `against`."""
    table = Table(title=title, title_justify="left")
    table.add_column("contender")
    for heading in (unit, "seconds", f"{unit}/s", f"× {against}"):
        table.add_column(heading, justify="right")
    baseline = results[against].rate
    for result in results.values():
        ratio = f"{result.rate / baseline:.2f}"
        figures = f"{result.units:,}", f"{result.seconds:.2f}", f"{result.rate:,.0f}", ratio
        table.add_row(result.name, *figures)
    Console(width=120).print(table)


def show_figures(title: str, figures: Mapping[str, float | int | str]) -> None:
    """Print figures that have no contender, one per row."""
    table = Table("what", "figure", title=title, title_justify="left")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), value if isinstance(value, str) else f"{value:,}")
    Console(width=100).print(table)


def finish(figures: Mapping[str, float | int | str]) -> None:
    """Print the figures as the one JSON object of the last line."""
    print(json.dumps(dict(figures), ensure_ascii=False))
