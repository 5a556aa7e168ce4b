"""Comparisons of an official list with ours: an asset for the list, a check of the differences, a schedule.

Ours is only ever changed by a person, in its source file.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from gogobe_dagster.defs.asset_metadata import OWNERS
from gogobe_dagster.defs.automation import schedule_of_job
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.metadata_tables import metadata_table, table_schema
from gogobe_dagster.settings import Settings

Difference = Mapping[str, str | int]
"""A row of the table of differences, by column."""
Compared = tuple[Mapping[str, str | int], Sequence[Difference]]
"""Numbers about the official list, and how ours differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What is compared, when, and how people read of it."""

    asset: str
    description: str
    official: str
    """What is read, in the words of a failure."""
    check: str
    check_description: str
    columns: Mapping[str, str]
    """Descriptions of the columns of a difference."""
    integers: Sequence[str] = ()
    """Those of them that are numbers."""
    job: str
    job_description: str
    schedule: str
    cron: str
    schedule_description: str
    compare: Callable[[], Compared]
    """Reads the official list. Raises `GogobeError`."""


def comparison_definitions(comparison: Comparison) -> dg.Definitions:
    """Define the asset with its check, the job and the schedule."""
    # a selection as text would load a parser into every step of every run
    selection = dg.AssetSelection.assets(comparison.asset)
    job = dg.define_asset_job(comparison.job, selection, description=comparison.job_description)
    schedule = schedule_of_job(
        comparison.schedule,
        comparison.job,
        cron=comparison.cron,
        settings=Settings.read(),
        description=comparison.schedule_description,
    )
    return dg.Definitions(assets=[_official_list(comparison)], jobs=[job], schedules=[schedule])


def _official_list(comparison: Comparison) -> dg.AssetsDefinition:
    check = dg.AssetCheckSpec(
        comparison.check, asset=comparison.asset, description=comparison.check_description
    )

    @dg.asset(
        name=comparison.asset,
        group_name="register",
        owners=OWNERS,
        kinds={"http"},
        check_specs=[check],
        description=comparison.description,
        retry_policy=dg.RetryPolicy(max_retries=2, delay=60),
    )
    def official_list() -> dg.MaterializeResult:  # type: ignore[type-arg]  # as Dagster wants it
        with as_failure(comparison.official):
            numbers, differences = comparison.compare()
        return dg.MaterializeResult(metadata=numbers, check_results=[_check(comparison, differences)])

    return official_list


def _check(comparison: Comparison, differences: Sequence[Difference]) -> dg.AssetCheckResult:
    columns = table_schema(comparison.columns, integers=comparison.integers)
    return dg.AssetCheckResult(
        check_name=comparison.check,
        passed=not differences,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"differences": metadata_table(columns, differences)} if differences else {},
        description=f"{len(differences)} differences" if differences else "no differences",
    )
