"""The CPU time that all feeds need per day, computed from the measured cost of runs and ticks."""

from dataclasses import dataclass

from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.benchmarks.meter import Cost

CORES = 2
DAY_SECONDS = 24 * 3600
FULL_FILES = 4_000
HOURS_WITH_DELTAS = 16
RUNS_AN_HOUR = 232
"""Of all feeds, as the benchmark `lag` counts them with five-minute polls."""
ALLOWED_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The measured costs."""

    delta_run: Cost
    bulk_run: Cost
    bulk_files: int
    tick: Cost
    idle_share: float
    """CPU seconds per second of an idle system."""


def budget(measured: Measured) -> dict[str, float]:
    """Return the CPU seconds of a day by purpose, and their `share` of two cores.

    34 feeds publish 12,000 delta files during opening hours. Each poll that finds one starts a run.
    """
    defaults = Settings.model_construct()
    runs = RUNS_AN_HOUR * HOURS_WITH_DELTAS
    spent = {
        "full_files": FULL_FILES * measured.bulk_run.cpu / measured.bulk_files,
        "delta_runs": runs * measured.delta_run.cpu,
        "polls": len(FEEDS) * DAY_SECONDS / defaults.poll_interval_seconds * measured.tick.cpu,
        "idle": DAY_SECONDS * measured.idle_share,
    }
    share = sum(spent.values()) / (CORES * DAY_SECONDS)
    rounded: dict[str, float] = {name: round(seconds) for name, seconds in spent.items()}
    return rounded | {"delta_runs_number": round(runs), "share": round(share, 3)}
