"""What a step does about files that failed: warnings in the log, tags of the run, a red partition.

A step with too many failed files fails only after it has recorded everything, and the steps after it go on
with what came through (`jobs.AFTER_OUTPUTS`). It is not retried: failed files are tried again by a later run.
"""

from collections.abc import Iterable, Sequence
from functools import partial

import dagster as dg
from dagster import DagsterEvent
from dagster._core.events import AssetMaterializationPlannedData

from gogobe_dagster.defs.partitions import partition_key
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.monitoring.failed_files import PartitionOutcome, codes_of, explain
from gogobe_dagster.warehouse.ledger.model import LedgerFile
from gogobe_dagster.warehouse.schema.enums import FileState

QUARANTINED_TAG, CODES_TAG = "gogobe/quarantined", "gogobe/codes"
MAX_WARNINGS = 100
"""Each is a row of the event log, which takes 5 ms to write."""
MAX_TAG_CHARACTERS = 200
Context = dg.AssetExecutionContext | dg.OpExecutionContext


def warn_of_failed_files(context: Context, files: Iterable[LedgerFile]) -> None:
    """Log a warning for each failed file: code, reason, and what to do."""
    failed = [file for file in files if file.code and not file.is_left_out]
    for file in failed[:MAX_WARNINGS]:
        context.log.warning(explain(file))
    if others := failed[MAX_WARNINGS:]:
        context.log.warning("and %d more: %s", len(others), codes_of(others))


def tag_run(context: Context, files: Iterable[LedgerFile]) -> None:
    """Tag the run with the number of files of its partitions that are quarantined, and with their codes."""
    quarantined = [file for file in files if file.state is FileState.QUARANTINED and not file.is_left_out]
    if quarantined:
        tags = {
            QUARANTINED_TAG: str(len(quarantined)),
            CODES_TAG: codes_of(quarantined)[:MAX_TAG_CHARACTERS],
        }
        context.instance.add_run_tags(context.run.run_id, tags)


def fail_if_too_few(
    context: Context, asset: str, outcomes: Sequence[PartitionOutcome], *, verb: str, min_percent: float
) -> None:
    """Show the partitions as failed of which too few files came through, and raise `dg.Failure`.

    To be called when the materialization has been yielded.
    """
    bad = [outcome for outcome in outcomes if outcome.is_too_little(min_percent)]
    if not bad:
        return
    for outcome in bad:
        _plan_again(context, asset, str(partition_key(find_feed(outcome.feed), outcome.day)))
    failed = [file for outcome in bad for file in outcome.failed]
    raise dg.Failure(
        "; ".join(outcome.describe(verb, min_percent) for outcome in bad),
        metadata={"failed files": len(failed), "code": codes_of(failed)},
        allow_retries=False,
    )


def _plan_again(context: Context, asset: str, partition: str) -> None:
    """Log that the partition is to be materialized, although it just was.

    Dagster shows a partition as failed if a run that failed planned it after its last materialization.
    Without this event it would be green; without the materialization, its page would have no numbers.
    """
    planned = AssetMaterializationPlannedData(dg.AssetKey(asset), partition=partition)
    report = partial(context.instance.report_dagster_event, run_id=context.run.run_id)
    step = context.get_step_execution_context().step.key
    report(DagsterEvent.build_asset_materialization_planned_event(context.job_name, step, planned))
