"""One run of the import job over every feed of a day, as a backfill of a rectangle starts it.

`python -m gogobe_dagster_tests.defs.backfill_probe 2026-11-23` ends with 0 if the run succeeded.
"""

import sys
from datetime import date

import dagster as dg

from gogobe_dagster.dagster_runtime.import_runner import import_feed
from gogobe_dagster.defs.partitions import partition_key
from gogobe_dagster.feeds.registry import FEEDS


def main(day: date) -> None:
    """Run it in this process, its steps in processes of their own."""
    first, last = (partition_key(feed, day) for feed in (FEEDS[0], FEEDS[-1]))
    tags = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
    with (
        dg.DagsterInstance.get() as instance,
        dg.execute_job(dg.reconstructable(import_feed), instance=instance, tags=tags) as result,
    ):
        sys.exit(not result.success)


if __name__ == "__main__":
    main(date.fromisoformat(sys.argv[1]))
