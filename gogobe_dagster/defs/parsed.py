"""The asset `parsed`: plan, batches as dynamic steps, collect.

Steps hand each other ledger ids, never contents. A batch has its own retry and its own bar in the
Gantt chart; a bad file never fails its batch.
"""

from datetime import date
from time import monotonic
from typing import TYPE_CHECKING, Any

import dagster as dg

from gogobe_dagster.defs.asset_metadata import described
from gogobe_dagster.defs.assets import OWNERS
from gogobe_dagster.defs.failures import as_failure, failure
from gogobe_dagster.defs.materialization_metadata import (
    about,
    about_rejects,
    days_not_offered,
    files_in,
    speed,
    told,
)
from gogobe_dagster.defs.partitions import days_by_feed, feed_days
from gogobe_dagster.errors import Code
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings

if TYPE_CHECKING:
    from gogobe_dagster.pipeline import Batch

PARSED = """
The rows of every readable file, in one model whatever the dialect, as Parquet in the lake.

Files are read in batches, each a step with a retry of its own. A row that cannot be read is counted with a
reason, a file that cannot be read is set aside with a code; neither stops the others.
"""
Plan = dict[str, Any]
"""A batch as plain values: feed, day, file_ids."""
Read = dict[str, Any]
"""What reading a batch gave: rows, seconds."""


@dg.op(
    ins={"downloaded": dg.In(dg.Nothing)},
    out={"batches": dg.DynamicOut(dict), "planned": dg.Out(list, description="Every file of the plan.")},
)
def plan_batches(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> Any:
    """Split what was fetched into batches of about the same compressed size."""
    from gogobe_dagster.pipeline import plan

    number, planned = 0, list[int]()
    for feed, days in days_by_feed(context.partition_keys).items():
        with as_failure(feed.key):
            batches = plan(feed, days, resources)
        for batch in batches:
            number += 1
            planned += batch.file_ids
            values = {"feed": batch.feed, "day": batch.day.isoformat(), "file_ids": list(batch.file_ids)}
            yield dg.DynamicOutput(values, mapping_key=f"batch_{number:03d}", output_name="batches")
    yield dg.Output(planned, output_name="planned")
    context.log.info("%d batches to parse", number)


@dg.op(
    # a killed step process starts again; what it had finished is left alone by the ledger
    retry_policy=dg.RetryPolicy(max_retries=2, delay=1)
)
def parse_batch(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources], batch: Plan) -> Read:
    """Read one batch into the lake; files that cannot be read go into quarantine with a code."""
    from gogobe_dagster.pipeline import parse

    feed, started = find_feed(batch["feed"]), monotonic()
    with as_failure(feed.key):
        entries = parse(_batch(batch), feed, resources)
    seconds = monotonic() - started
    rows = sum(entry.rows for entry in entries)
    files = resources.ledger.files(batch["file_ids"])
    words = f"{feed.key}: {len(files)} files, {rows:,} rows in {seconds:.1f} seconds"
    context.log.info("\n".join([words, *map(told, files)]))
    return {"rows": rows, "seconds": seconds}


@dg.op(out=dg.Out(dg.Nothing))
def collect_batches(
    context: dg.OpExecutionContext,
    resources: dg.ResourceParam[Resources],
    planned: list[int],
    batches: list[Read],
) -> Any:
    """Compare the ledger with the plan; a file that is still to be parsed fails the run.

    Re-execution from failure skips mapped steps that had not started, silently (dagster #20925); the
    plan it takes over is that of the first try, so their files are missed here.
    """
    from gogobe_dagster.pipeline import unparsed

    days = days_by_feed(context.partition_keys)
    with as_failure("parsed"):
        left = unparsed(planned, resources)
    if left:
        words = f"{len(left)} planned files were in no batch that ran; run all steps again"
        raise failure(words, Code.BATCHES_LOST)
    rows = int(sum(batch["rows"] for batch in batches))
    read = {"batches": len(batches), "rows read now": rows}
    read |= speed("rows", rows, sum(batch["seconds"] for batch in batches))
    files = about(files_in(resources, days), days_not_offered(resources, days))
    yield dg.Output(None, metadata=read | about_rejects(resources, days) | files)


@dg.definitions
def parsed_asset() -> dg.Definitions:
    """Define the asset."""
    settings = Settings.read()

    @dg.graph_asset(
        ins={"downloaded": dg.AssetIn(dagster_type=dg.Nothing)},
        partitions_def=feed_days(settings),
        group_name="files",
        owners=OWNERS,
        kinds={"polars", "parquet"},
        description=PARSED.strip(),
    )
    def parsed(downloaded: Any) -> Any:
        batches, planned = plan_batches(downloaded)
        return collect_batches(planned, batches.map(parse_batch).collect())

    return dg.Definitions(described([parsed], settings))


def _batch(values: Plan) -> "Batch":
    from gogobe_dagster.pipeline import Batch

    return Batch(
        feed=values["feed"], day=date.fromisoformat(values["day"]), file_ids=tuple(values["file_ids"])
    )
