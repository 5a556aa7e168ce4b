"""A walk through the web UI in a browser, as a person takes it; `dg dev` serves it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from gogobe_dagster_tests.browser import MISSING, find, is_installed, open_browser
from gogobe_dagster_tests.dagster_services import LOCATION, ask, served_as_documented, statuses
from gogobe_dagster_tests.import_env import ImportEnv, yesterday
from gogobe_dagster_tests.waiting import wait_for_progress

pytestmark = pytest.mark.slow

FEEDS = ("keshet", "king_store")
BACKFILLS = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { id } } } }"
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
def test_a_person_walks_from_the_graph_to_a_backfill_its_numbers_a_red_check_and_a_sensor(
    import_env: ImportEnv, browser: webdriver.Chrome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOBE_MIN_FILES_PERCENT", "100")  # how many deltas come through differs by day
    import_env.publish(*FEEDS)
    import_env.replica.faults.switch_on("missing_file", names="PriceFull*")
    with served_as_documented(import_env, "dg dev") as url:
        launches_a_backfill(browser, url)
        sees_the_graph(browser, url)
        wait_for_progress(lambda: ended(url) == 2, what="two runs that fail", progress=import_env.progress)
        sees_both_feeds_on_the_grid(browser, url)
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


def ended(url: str) -> int:
    """How many runs failed: of each feed's full price files, none came through."""
    return list(statuses(url).values()).count("FAILURE")


def sees_both_feeds_on_the_grid(browser: webdriver.Chrome, url: str) -> None:
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
