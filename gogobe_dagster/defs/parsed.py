"""The asset `parsed`: plan, batches as dynamic steps, collect.

Steps hand each other ledger ids, never contents. A batch has its own retry and its own bar in the
Gantt chart; a bad file never fails its batch.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from gogobe_dagster.defs.assets import OWNERS
from gogobe_dagster.defs.failures import as_failure, failure
from gogobe_dagster.defs.partitions import days_by_feed
from gogobe_dagster.defs.reporting import about, files_in
from gogobe_dagster.equipment import Equipment
from gogobe_dagster.feeds import find_feed

if TYPE_CHECKING:
    from gogobe_dagster.importing import Batch

Plan = dict[str, Any]
"""A batch as plain values: feed, day, file_ids."""


@dg.op(ins={"downloaded": dg.In(dg.Nothing)}, out=dg.DynamicOut(dict))
def plan_batches(context: dg.OpExecutionContext, equipment: dg.ResourceParam[Equipment]) -> Any:
    """Split what was fetched into batches of about the same compressed size."""
    from gogobe_dagster.importing import plan

    number = 0
    for feed, days in days_by_feed(context.partition_keys).items():
        with as_failure(feed.key):
            batches = plan(feed, days, equipment)
        for batch in batches:
            number += 1
            values = {"feed": batch.feed, "day": batch.day.isoformat(), "file_ids": list(batch.file_ids)}
            yield dg.DynamicOutput(values, mapping_key=f"batch_{number:03d}")
    context.log.info("%d batches to parse", number)


@dg.op(
    # a killed step process starts again; what it had finished is left alone by the ledger
    retry_policy=dg.RetryPolicy(max_retries=2, delay=1)
)
def parse_batch(context: dg.OpExecutionContext, equipment: dg.ResourceParam[Equipment], batch: Plan) -> Plan:
    """Read one batch into the lake; files that cannot be read go into quarantine with a code."""
    from gogobe_dagster.importing import parse

    feed = find_feed(batch["feed"])
    with as_failure(feed.key):
        entries = parse(_batch(batch), feed, equipment)
    rows, rejected = sum(entry.rows for entry in entries), sum(entry.rejected for entry in entries)
    context.log.info("%s: %d files, %d rows, %d rejected", feed.key, len(entries), rows, rejected)
    return batch


@dg.op(out=dg.Out(dg.Nothing))
def collect_batches(
    context: dg.OpExecutionContext, equipment: dg.ResourceParam[Equipment], batches: list[Plan]
) -> Any:
    """Plan again: whatever is still pending was in a batch that never ran, and fails the run.

    Re-execution from failure skips mapped steps that had not started, silently (dagster #20925).
    """
    from gogobe_dagster.importing import plan

    days = days_by_feed(context.partition_keys)
    with as_failure("parsed"):
        left = [batch for feed, some in days.items() for batch in plan(feed, some, equipment)]
    if left:
        files = sum(len(batch.file_ids) for batch in left)
        words = f"{files} files are still to be parsed after {len(batches)} batches; run all steps again"
        raise failure(words, retry=True, code="batches_lost")
    yield dg.Output(None, metadata={"batches": len(batches)} | about(files_in(equipment, days)))


def build_parsed(partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    """Make the asset on the grid."""

    @dg.graph_asset(
        ins={"downloaded": dg.AssetIn(dagster_type=dg.Nothing)},
        partitions_def=partitions,
        group_name="files",
        owners=OWNERS,
        kinds={"polars", "parquet"},
        description="The rows of every readable file, in one model whatever the dialect, in the lake.",
    )
    def parsed(downloaded: Any) -> Any:
        return collect_batches(plan_batches(downloaded).map(parse_batch).collect())

    return parsed


def _batch(values: Plan) -> "Batch":
    from gogobe_dagster.importing import Batch

    return Batch(
        feed=values["feed"], day=date.fromisoformat(values["day"]), file_ids=tuple(values["file_ids"])
    )
