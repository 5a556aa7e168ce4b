"""CPU seconds of contenders, their own and the server's, which other work on the machine hardly changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rich.console import Console
from rich.table import Table

from gogobe_dagster_tests.benchmarks.meter import Meter, Part
from gogobe_dagster_tests.benchmarks.runner import Contender


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a contender's cheapest round spent, in microseconds of CPU per unit."""

    own: float
    """By this process's children."""
    server: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.own + self.server


@dataclass(frozen=True, slots=True)
class CpuMeter:
    """Watches contenders; children must outlive the round, as a pool's processes do."""

    meter: Meter
    spent: dict[str, Spent] = field(default_factory=dict)

    def watch(self, contender: Contender) -> Contender:
        """Return the same contender; what its rounds spend is recorded."""

        def run() -> int:
            before = self._seconds()
            units = contender.run()
            own, server = (now - was for now, was in zip(self._seconds(), before, strict=True))
            spent = Spent(own=own / units * 1e6, server=server / units * 1e6)
            best = self.spent.get(contender.name, spent)
            self.spent[contender.name] = min(best, spent, key=lambda spent: spent.total)
            return units

        return replace(contender, run=run)

    def _seconds(self) -> tuple[float, float]:
        by_part: Mapping[Part, float] = self.meter.seconds()
        return by_part[Part.RUNS] + by_part[Part.DAEMON], by_part[Part.POSTGRES]

    def show(self, title: str) -> None:
        """Print the table."""
        table = Table("contender", title=title, title_justify="left")
        for heading in ("own", "server", "both"):
            table.add_column(heading, justify="right")
        for name, spent in self.spent.items():
            table.add_row(name, f"{spent.own:.2f}", f"{spent.server:.2f}", f"{spent.total:.2f}")
        Console(width=120).print(table)
