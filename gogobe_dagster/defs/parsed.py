"""The asset `parsed`: a graph of a plan, batches as dynamic steps, and a step that collects them.

Steps pass each other ledger ids, never file contents. Each batch has its own retries and its own bar in the
Gantt chart; a bad file never fails its batch.
"""

from datetime import date
from time import monotonic
from typing import Any

import dagster as dg

from gogobe_dagster.defs.asset_metadata import OWNERS, with_asset_metadata
from gogobe_dagster.defs.failures import as_failure, failure
from gogobe_dagster.defs.materialization_metadata import (
    file_line,
    files_left_out,
    files_metadata,
    files_of,
    partial_run_metadata,
    rejects_metadata,
    throughput_metadata,
    unavailable_days,
)
from gogobe_dagster.defs.partitions import days_by_feed, feed_day_partitions
from gogobe_dagster.defs.step_outcomes import fail_if_too_few, tag_run, warn_of_failed_files
from gogobe_dagster.errors import Code
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.files.selection import FileSelection
from gogobe_dagster.monitoring.failed_files import partition_outcomes
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.step_results import Batch
from gogobe_dagster.warehouse.schema.enums import FileState

PARSED = """
The rows of every readable file, in one model whatever the dialect, as Parquet files in the lake.

Files are parsed in batches; each batch is a step with its own retries. A row that cannot be read is counted
with a reason, and a file that cannot be read is quarantined with a code; neither stops the others.
"""
BatchValues = dict[str, Any]
"""A batch as plain values that Dagster can pickle: feed, day, file_ids."""
BatchResult = dict[str, Any]
"""What parsing a batch gave: rows, seconds."""


@dg.op(
    ins={"downloaded": dg.In(dg.Nothing)},
    out={
        "batches": dg.DynamicOut(dict),
        "planned": dg.Out(list, description="The ids of all files in the batches."),
    },
)
def plan_batches(
    context: dg.OpExecutionContext,
    resources: dg.ResourceParam[Resources],
    selection: dg.ResourceParam[FileSelection],
) -> Any:
    """Split the downloaded files into batches of about the same compressed size."""
    from gogobe_dagster.pipeline import plan

    number, planned = 0, list[int]()
    for feed, days in days_by_feed(context.partition_keys).items():
        with as_failure(feed.key):
            batches = plan(feed, days, resources, selection)
        for batch in batches:
            number += 1
            planned += batch.file_ids
            values = {"feed": batch.feed, "day": batch.day.isoformat(), "file_ids": list(batch.file_ids)}
            yield dg.DynamicOutput(values, mapping_key=f"batch_{number:03d}", output_name="batches")
    yield dg.Output(planned, output_name="planned")
    context.log.info("%d batches to parse", number)


@dg.op(
    # after a crash of the step's process; files that it had finished are parsed already, says the ledger
    retry_policy=dg.RetryPolicy(max_retries=2, delay=1)
)
def parse_batch(
    context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources], batch: BatchValues
) -> BatchResult:
    """Parse one batch into the lake; files that cannot be read are quarantined with a code."""
    from gogobe_dagster.pipeline import parse

    feed, started = find_feed(batch["feed"]), monotonic()
    with as_failure(feed.key):
        entries = parse(_batch(batch), feed, resources)
    seconds = monotonic() - started
    rows = sum(entry.rows for entry in entries)
    files = resources.ledger.files(batch["file_ids"])
    summary = f"{feed.key}: {len(files)} files, {rows:,} rows in {seconds:.1f} seconds"
    context.log.info("\n".join([summary, *[file_line(file) for file in files if not file.code]]))
    warn_of_failed_files(context, files)
    return {"rows": rows, "seconds": seconds}


@dg.op(out=dg.Out(dg.Nothing))
def collect_batches(
    context: dg.OpExecutionContext,
    resources: dg.ResourceParam[Resources],
    selection: dg.ResourceParam[FileSelection],
    planned: list[int],
    batches: list[BatchResult],
) -> Any:
    """Compare the ledger with the plan, and fail the run if a planned file was not parsed.

    Re-execution from failure silently skips mapped steps that had not started (dagster #20925). It reuses
    the plan of the first run, so that the files of those steps are found to be unparsed here.
    """
    from gogobe_dagster.pipeline import unparsed

    days = days_by_feed(context.partition_keys)
    with as_failure("parsed"):
        lost = unparsed(planned, resources)
    if lost:
        description = f"{len(lost)} planned files were in no batch that ran; re-execute all steps"
        raise failure(description, Code.BATCHES_LOST)
    rows = int(sum(batch["rows"] for batch in batches))
    metadata = {"batches": len(batches), "rows read in this run": rows}
    metadata |= throughput_metadata("rows", rows, sum(batch["seconds"] for batch in batches))
    metadata |= partial_run_metadata(resources, days, selection)
    metadata |= rejects_metadata(resources, days)
    files = files_of(resources, days)
    metadata |= files_metadata(files, unavailable_days(resources, days))
    tag_run(context, files)
    yield dg.Output(None, metadata=metadata)
    outcomes = partition_outcomes(
        files,
        has_come_through=lambda file: file.state in {FileState.PARSED, FileState.LOADED},
        not_selected={file.id for file in files_left_out(resources, days, selection)},
    )
    percent = resources.settings.min_files_percent
    fail_if_too_few(context, "parsed", outcomes, verb="parsed", min_percent=percent)


@dg.definitions
def parsed_asset() -> dg.Definitions:
    """Define the asset."""
    settings = Settings.read()

    @dg.graph_asset(
        ins={"downloaded": dg.AssetIn(dagster_type=dg.Nothing)},
        partitions_def=feed_day_partitions(settings),
        group_name="files",
        owners=OWNERS,
        kinds={"polars", "parquet"},
        description=PARSED.strip(),
    )
    def parsed(downloaded: Any) -> Any:
        batches, planned = plan_batches(downloaded)
        return collect_batches(planned, batches.map(parse_batch).collect())

    return dg.Definitions(with_asset_metadata([parsed], settings))


def _batch(values: BatchValues) -> Batch:

    return Batch(
        feed=values["feed"], day=date.fromisoformat(values["day"]), file_ids=tuple(values["file_ids"])
    )
