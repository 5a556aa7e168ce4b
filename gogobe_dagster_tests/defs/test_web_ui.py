"""A walk through the web UI in a browser, as a person takes it; `dg dev` serves it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from gogobe_dagster_tests.browser import MISSING, find, is_installed, open_browser
from gogobe_dagster_tests.dagster_services import (
    LAUNCH,
    LOCATION,
    ask,
    launch,
    served_as_documented,
)
from gogobe_dagster_tests.import_env import ImportEnv, yesterday
from gogobe_dagster_tests.monitoring.test_data_quality import load
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow

FEEDS = ("keshet", "rami_levy")
"""In the backfill: one comes through, the portal of the other is dead."""
LOST, LATE = "king_store", "osher_ad"
RED = {"all_feeds_fresh", "few_quarantined", "promoted_products_known", "rami_levy_portal_responds"}
"""The late chain and the dead portal, whose files are not recent either; the lost files; the products of
their chain's promotions, which no other file names; the dead portal."""
BY_THE_HOUR = {"all_feeds_complete"}
"""It is about today or yesterday, depending on the hour in which the test runs, and about no day of rest."""
LABEL = "Evaluation result"
"""Of the check whose details are beside the list."""
BACKFILLS = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { id } } } }"
RUNS = "{ runsOrError { ... on Runs { results { status pipelineName tags { key value } } } } }"
ENDED = {"SUCCESS", "FAILURE"}
FINDINGS = """
query Findings($asset: AssetKeyInput!) {
  assetNodeOrError(assetKey: $asset) {
    ... on AssetNode { assetChecksOrError { ... on AssetChecks { checks { name
      executionForLatestMaterialization { evaluation { metadataEntries {
        ... on TableMetadataEntry { table { records } } } } } } } } }
  }
}
"""
SENSOR = """
query Status($selector: SensorSelector!) {
  sensorOrError(sensorSelector: $selector) { ... on Sensor { sensorState { status } } }
}
"""


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """Debian's Chromium without a screen, or a skip that names what is missing."""
    if not is_installed():
        pytest.skip(MISSING)
    with open_browser(tmp_path / "chromium") as chrome:
        yield chrome


def press(browser: webdriver.Chrome, text: str) -> None:
    """Click on what has this text, once it lets itself be clicked."""
    WebDriverWait(browser, 60).until(lambda driver: find(driver, text).is_enabled())
    find(browser, text).click()


@pytest.mark.browser
@pytest.mark.timeout(1800)
def test_a_person_walks_from_a_backfill_to_what_is_red_and_why_and_to_a_sensor(
    import_env: ImportEnv, browser: webdriver.Chrome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOBE_FRESHNESS_HOURS", "72")  # what was published yesterday is recent
    settings = import_env.settings.model_copy(update={"alert_after_failures": 1})
    env = replace(import_env, settings=settings)
    env.publish("keshet", LOST)
    env.replica.faults.switch_on("missing_file", feed=LOST, names="PriceFull*")
    env.replica.faults.switch_on("portal_down", feed="rami_levy")
    load(env.resources.engine, yesterday() - timedelta(days=8), stores=1, feed=LATE)
    with served_as_documented(env, "dg dev") as url:
        launches_a_backfill(browser, url)
        sees_the_graph(browser, url)
        assert outcomes(url, env, *FEEDS) == {"keshet": "SUCCESS", "rami_levy": "FAILURE"}
        launch(url, f"{LOST}|{yesterday()}")
        assert outcomes(url, env, LOST)[LOST] == "FAILURE"
        finds_the_reason_of_a_lost_file_in_three_clicks(browser, url)
        checks_the_data(url, env)
        sees_that_what_is_wrong_is_red_and_nothing_else(browser, url)
        sees_the_feeds_on_the_grid(browser, url)
        reads_the_numbers_of_a_materialization(browser, url)
        sees_when_files_were_published(browser, url)
        sees_which_check_is_red_and_why(browser, url)
        turns_a_sensor_on(browser, url)


def sees_the_graph(browser: webdriver.Chrome, url: str) -> None:
    browser.get(f"{url}/asset-groups")
    for group in ("files", "warehouse", "monitoring", "register"):
        find(browser, group)


def launches_a_backfill(browser: webdriver.Chrome, url: str) -> None:
    """Two feeds by one day, chosen in the dialog of the job."""
    browser.get(f"{url}/locations/gogobe_dagster/jobs/import_feed")
    press(browser, "Materialize all…")
    press(browser, "Select a partition or create one")
    for feed in FEEDS:
        browser.switch_to.active_element.send_keys(Keys.CONTROL, "a", Keys.NULL, feed)
        press(browser, feed)
    days = browser.find_element(By.CSS_SELECTOR, "input[placeholder^='ex:']")
    days.send_keys(yesterday().isoformat(), Keys.TAB)
    find(browser, "2 partitions")
    press(browser, "Launch backfill")
    wait_for_progress(
        lambda: ask(url, BACKFILLS)["partitionBackfillsOrError"]["results"], what="the backfill"
    )


def outcomes(url: str, env: ImportEnv, *expected: str) -> dict[str, str]:
    """Wait until the newest runs of these feeds or jobs have ended; return how.

    On a busy machine Dagster gives up starting a run, and starts it again.
    """

    wait_for_progress(
        lambda: all(ended(url).get(subject) for subject in expected),
        what=f"the runs of {expected}",
        progress=env.progress,
    )
    return {subject: ended(url)[subject] for subject in expected}


def ended(url: str) -> dict[str, str]:
    """How the newest run of each feed, and of each job without one, has ended; "" if it goes on."""
    newest = dict[str, str]()
    for run in ask(url, RUNS)["runsOrError"]["results"]:
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        subject = tags.get("dagster/partition/feed", run["pipelineName"])
        has_ended = run["status"] in ENDED and tags.get("dagster/will_retry") != "true"
        newest.setdefault(subject, run["status"] if has_ended else "")
    return newest


def finds_the_reason_of_a_lost_file_in_three_clicks(browser: webdriver.Chrome, url: str) -> None:
    """From the first page: to the runs, and to the one that is red. The third click is spared."""
    browser.get(url)
    press(browser, "Runs")
    row = "//div[contains(@class, 'VirtualizedTable_row')]"
    failed = f"{row}[.//*[text()='Failure'] and contains(., '{LOST}')]//a[normalize-space(.)='View']"
    WebDriverWait(browser, 60).until(lambda driver: driver.find_elements(By.XPATH, failed))[0].click()
    reason = "//tr[contains(., 'PriceFull') and contains(., 'not_found') and contains(., 'status 404')]"
    WebDriverWait(browser, 60).until(lambda driver: driver.find_elements(By.XPATH, reason))


def checks_the_data(url: str, env: ImportEnv) -> None:
    """As the hourly schedule does; the alert monitor looks at the portals by itself."""
    selector = {**LOCATION, "pipelineName": "check_data_quality"}
    params = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": []}}
    assert ask(url, LAUNCH, params=params)["launchRun"]["__typename"] == "LaunchRunSuccess"
    assert outcomes(url, env, "check_data_quality") == {"check_data_quality": "SUCCESS"}


def sees_that_what_is_wrong_is_red_and_nothing_else(browser: webdriver.Chrome, url: str) -> None:
    browser.set_window_size(1500, 3000)  # checks further down are not on the page
    browser.get(f"{url}/assets/feed_health?view=checks")
    find(browser, "rami_levy_portal_responds")

    def red(driver: webdriver.Chrome) -> set[str]:
        lines = driver.find_element(By.TAG_NAME, "body").text.splitlines()
        return {name for name, status in pairwise(lines) if status == "Failed"} - BY_THE_HOUR - {LABEL}

    WebDriverWait(browser, 60).until(lambda driver: len(red(driver)) >= len(RED))
    assert red(browser) == RED
    assert feeds_found_by(url, "all_feeds_fresh") == {LATE, LOST, "rami_levy"}
    assert feeds_found_by(url, "few_quarantined") == {LOST}


def feeds_found_by(url: str, check: str) -> set[str]:
    """The feeds in a check's table of findings."""
    checks = ask(url, FINDINGS, asset={"path": ["feed_health"]})["assetNodeOrError"]["assetChecksOrError"]
    (found,) = [each for each in checks["checks"] if each["name"] == check]
    entries = found["executionForLatestMaterialization"]["evaluation"]["metadataEntries"]
    records = [record for entry in entries if entry for record in entry["table"]["records"]]
    return {json.loads(record)["feed"] for record in records}


def sees_the_feeds_on_the_grid(browser: webdriver.Chrome, url: str) -> None:
    browser.get(f"{url}/assets/prices?view=partitions")
    find(browser, "Failed (2)")
    find(browser, "keshet")
    browser.get(f"{url}/assets/promotions?view=partitions")
    find(browser, "Materialized (2)")


def reads_the_numbers_of_a_materialization(browser: webdriver.Chrome, url: str) -> None:
    browser.get(f"{url}/assets/promotions?partition=keshet%7C{yesterday()}&view=partitions")
    row = find(browser, "new promotions").find_element(By.XPATH, "./ancestor::tr")
    assert int(row.text.split()[-1]) > 0


def sees_when_files_were_published(browser: webdriver.Chrome, url: str) -> None:
    """A picture, in the page itself and not behind a link."""
    browser.get(f"{url}/assets/discovered?partition=keshet%7C{yesterday()}&view=partitions")
    row = find(browser, "files published per hour").find_element(By.XPATH, "./ancestor::tr")
    picture = row.find_element(By.TAG_NAME, "img")
    WebDriverWait(browser, 60).until(lambda _: int(str(picture.get_property("naturalWidth") or 0)) > 100)


def sees_which_check_is_red_and_why(browser: webdriver.Chrome, url: str) -> None:
    browser.get(f"{url}/assets/downloaded?view=checks")
    find(browser, "all_files_downloaded")
    find(browser, "not_found")


def turns_a_sensor_on(browser: webdriver.Chrome, url: str) -> None:
    browser.get(f"{url}/locations/gogobe_dagster/sensors/keshet_files")
    WebDriverWait(browser, 60).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, SWITCH))[0].click()
    selector = {**LOCATION, "sensorName": "keshet_files"}

    def status() -> str:
        return str(ask(url, SENSOR, selector=selector)["sensorOrError"]["sensorState"]["status"])

    wait_for_progress(lambda: status() == "RUNNING", what="the sensor to be on")


SWITCH = "label:has(input[type=checkbox])"
