"""The response time of the web UI's page of partitions, by the number of partitions."""

import os
import time
from dataclasses import replace
from datetime import date, timedelta
from statistics import median

import dagster as dg

from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster_tests.dagster_services import ask, gogobe_up
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

MATERIALIZED = 3_000
REQUESTS = 4
"""The first one is a warm-up."""
PAGE = """
query Page($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      partitionKeysByDimension { name partitionKeys }
      partitionStats { numMaterialized numPartitions numFailed }
      assetPartitionStatuses {
        ... on MultiPartitionStatuses { primaryDimensionName ranges { primaryDimStartKey primaryDimEndKey } }
      }
    }
  }
}
"""


def page_times(env: ImportEnv, sizes: tuple[int, ...] = (12_000, 36_000)) -> dict[str, int]:
    """Time the page with a year of days and with three, 3,000 partitions of them materialized."""
    figures = {}
    for keys in sizes:
        first_day = yesterday() - timedelta(days=keys // len(FEEDS))
        longer = replace(env, settings=env.settings.model_copy(update={"first_day": first_day}))
        _materialize(longer, first_day)
        with gogobe_up(longer) as url:
            figures[f"page_ms_at_{keys}"] = round(_seconds(url) * 1000)
    return figures


def _seconds(url: str) -> float:
    times = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        shown = ask(url, PAGE, key={"path": ["prices"]})["assetNodeOrError"]
        times.append(time.perf_counter() - started)
        assert shown["partitionStats"]["numMaterialized"] >= MATERIALIZED
    return median(times[1:])


def _materialize(env: ImportEnv, first_day: date) -> None:
    os.environ.update(env.environment)
    with dg.DagsterInstance.get() as instance:
        for number in range(MATERIALIZED):
            day = first_day + timedelta(days=number // len(FEEDS))
            key = dg.MultiPartitionKey({"feed": FEEDS[number % len(FEEDS)].key, "publication_day": str(day)})
            instance.report_runless_asset_event(dg.AssetMaterialization("prices", partition=key))
