"""The weekly probe: which portals answer this machine. `monitoring.reachability` asks and classifies."""

from collections import Counter

import dagster as dg

from gogobe_dagster.defs.automation import schedule_of_job
from gogobe_dagster.defs.failures import as_failure
from gogobe_dagster.defs.metadata_tables import metadata_table, table_schema
from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster.resources import Resources
from gogobe_dagster.settings import Settings
from gogobe_dagster.warehouse.ledger.portal_probes import record_probes

JOB = "probe_portals"
SUNDAY_NOON = "0 12 * * 0"
"""A working day in Israel, at an hour at which every portal has files."""
COLUMNS = table_schema(
    {
        "feed": "Key of the feed",
        "answer": "answers, refused (it answers others) or no_answer",
        "code": "Code of the failure",
        "reason": "The failure as a message",
    }
)


@dg.op
def ask_portals(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
    """Ask each portal for the first page of its listing, and keep the answers."""
    from gogobe_dagster.monitoring.reachability import probe_portals

    with as_failure("portals"):
        probes = list(probe_portals(FEEDS, resources))
        record_probes(resources.engine, probes)
    rows = [
        {
            "feed": probe.feed,
            "answer": probe.reach.value,
            "code": probe.code or "",
            "reason": probe.reason or "",
        }
        for probe in probes
    ]
    counts = Counter(probe.reach.value for probe in probes)
    context.add_output_metadata({**counts, "answers by feed": metadata_table(COLUMNS, rows)})


@dg.definitions
def portal_probe() -> dg.Definitions:
    """Define the job and its weekly schedule."""

    @dg.job(
        name=JOB,
        executor_def=dg.in_process_executor,
        description="Asks each portal for one page: who answers, who refuses this machine, who is silent.",
    )
    def probe_portals_job() -> None:
        ask_portals()

    weekly = schedule_of_job(
        f"{JOB}_weekly",
        JOB,
        cron=SUNDAY_NOON,
        settings=Settings.read(),
        description="Sundays at 12:00: from which portals does this machine get an answer?",
    )
    return dg.Definitions(jobs=[probe_portals_job], schedules=[weekly])
