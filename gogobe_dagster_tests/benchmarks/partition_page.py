"""How long the web UI takes for the asset graph and the page of partitions, by the number of partitions.

`python -m gogobe_dagster_tests.benchmarks.partition_page` measures nothing else: 34 feeds × 365 days.
"""

import os
import time
from dataclasses import replace
from datetime import date, timedelta
from statistics import median

import dagster as dg
from selenium import webdriver

from gogobe_dagster.feeds.registry import FEEDS
from gogobe_dagster_tests.benchmarks.home import home
from gogobe_dagster_tests.browser import find, is_installed, open_browser
from gogobe_dagster_tests.dagster_services import ask, gogobe_up
from gogobe_dagster_tests.import_env import ImportEnv, yesterday

MATERIALIZED = 3_000
REQUESTS = 4
"""The first one is a warm-up."""
YEAR = len(FEEDS) * 365
PAGES = {"graph": ("/asset-groups", "monitoring"), "partitions": ("/assets/prices?view=partitions", "keshet")}
"""Pages of the web UI, and a text that is among their first content."""
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
            figures |= {f"{page}_ms_at_{keys}": time for page, time in _in_browser(env, url).items()}
    return figures


def _in_browser(env: ImportEnv, url: str) -> dict[str, int]:
    """Time each page in Chromium until its first content is shown, in milliseconds; {} without Chromium."""
    if not is_installed():
        return {}
    with open_browser(env.settings.folder / "chromium") as browser:
        return {page: round(_shown(browser, url + path, text) * 1000) for page, (path, text) in PAGES.items()}


def _shown(browser: webdriver.Chrome, address: str, text: str) -> float:
    times = []
    for _ in range(REQUESTS):
        browser.get("about:blank")
        started = time.perf_counter()
        browser.get(address)
        find(browser, text)
        times.append(time.perf_counter() - started)
    return median(times[1:])


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


if __name__ == "__main__":
    with home() as of_benchmark:
        for figure, milliseconds in page_times(of_benchmark, (YEAR,)).items():
            print(f"{figure}: {milliseconds:,} ms")
