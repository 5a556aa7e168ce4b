"""The picture of a simulated day: files, CPU and memory over time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gogobe_dagster_tests.benchmarks.day_monitoring import Sample
from gogobe_dagster_tests.benchmarks.meter import Part

COLOURS = ("#7a8fa6", "#2f6f9f", "#d98e32")


def plot(
    appeared: Mapping[str, datetime],
    loaded: Mapping[str, datetime],
    samples: Sequence[Sample],
    *,
    minutes: float,
    path: Path,
) -> None:
    """Write it."""
    figure = Figure(figsize=(9, 8), layout="constrained")
    files, cpu, memory = figure.subplots(3, sharex=True)
    start = samples[0].at
    _steps(files, [at.timestamp() - start for at in appeared.values()], "published")
    _steps(files, [at.timestamp() - start for at in loaded.values()], "in the tables")
    files.set_title(f"A day of the portals in {minutes:g} minutes: {len(appeared):,} files")
    files.set_ylabel("files")
    ends = [(sample.at - start) / 60 for sample in samples]
    cores = [[_rate(a, b, part) for a, b in pairwise(samples)] for part in Part]
    cpu.stackplot(ends[1:], cores, labels=list(Part), colors=COLOURS)
    cpu.set_ylabel("cores in use")
    gigabytes = [[sample.megabytes[part] / 1024 for sample in samples] for part in Part]
    memory.stackplot(ends, gigabytes, labels=list(Part), colors=COLOURS)
    memory.set_ylabel("memory, GB")
    memory.set_xlabel("minutes")
    for axes in (files, cpu, memory):
        axes.legend(loc="upper left", frameon=False)
        axes.set_ylim(bottom=0)
    figure.savefig(path, dpi=110)


def _steps(axes: Axes, seconds: list[float], label: str) -> None:
    axes.plot([lag / 60 for lag in sorted(seconds)], range(1, len(seconds) + 1), label=label)


def _rate(before: Sample, after: Sample, part: Part) -> float:
    """Return the cores in use; at least 0: an ended process is counted in the next sample."""
    return max(0.0, (after.seconds[part] - before.seconds[part]) / (after.at - before.at))
