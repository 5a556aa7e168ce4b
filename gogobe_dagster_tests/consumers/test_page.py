"""The page for people in a real browser: with a mouse, with keys alone, and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from gogobe_dagster.questions.reader import Reader
from gogobe_dagster.service.page_files import FILES
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.browser import MISSING, is_installed, open_browser
from gogobe_dagster_tests.consumers.conftest import running
from gogobe_dagster_tests.warehouse.warehouse_harness import BREAD, MILK

pytestmark = [pytest.mark.slow, pytest.mark.browser]
SECONDS = 120
"""A busy machine is no failure."""
KEY = "a-key-of-16-characters"
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    if not is_installed():
        pytest.skip(MISSING)
    with open_browser(tmp_path_factory.mktemp("browser")) as chrome:
        yield chrome


def text(browser: webdriver.Chrome, selector: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, selector).text


def wait_for(browser: webdriver.Chrome, selector: str, words: str) -> None:
    """Wait until a part of the page says something."""
    message = f"{words!r} is not in {selector}: {text(browser, 'body')}"
    WebDriverWait(browser, SECONDS).until(lambda page: words in text(page, selector), message)


def open_product(browser: webdriver.Chrome, service: str) -> None:
    browser.get(service)
    browser.find_element(By.ID, "words").send_keys("חלב")
    wait_for(browser, "#found", "חלב תנובה 3%")
    browser.find_element(By.CSS_SELECTOR, "#found button").click()
    wait_for(browser, "#prices", "6.90")
    wait_for(browser, "#legend", "תלפיות")


def test_a_product_shows_where_it_is_cheap_its_offers_and_its_history(
    browser: webdriver.Chrome, service: str
) -> None:
    open_product(browser, service)

    rows = [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#prices tr")]
    assert ["6.90" in rows[0], "מרכז" in rows[0], "תל אביב" in rows[0]] == [True] * 3
    assert ["8.40" in rows[3], "אונליין" in rows[3]] == [True, True]
    assert not browser.find_element(By.ID, "key-form").is_displayed()
    offers = text(browser, "#promotions")
    assert "החל מ־2" in offers
    assert "לחברי מועדון" in offers
    steps = browser.find_elements(By.CSS_SELECTOR, "#chart path")
    assert len(steps) == 4
    paths = [step.get_attribute("d") or "" for step in steps]
    assert sorted(path.count("H") for path in paths) == [1, 1, 1, 2]
    assert browser.execute_script("return getComputedStyle(document.body).direction") == "rtl"
    log: list[dict[str, str]] = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in log if service in entry["message"] and entry["level"] == "SEVERE"] == []


def test_a_town_of_the_map_is_chosen_with_keys_and_marks_its_stores(
    browser: webdriver.Chrome, service: str
) -> None:
    open_product(browser, service)

    spots = browser.find_elements(By.CSS_SELECTOR, "#map g")
    labels = {str(spot.get_attribute("aria-label")).partition(":")[0]: spot for spot in spots}
    assert labels.keys() == {"ירושלים", "תל אביב-יפו", "חולון"}
    [cheapest] = browser.find_elements(By.CSS_SELECTOR, "#map g.cheapest")
    assert "6.90" in str(cheapest.get_attribute("aria-label"))
    north = {name: spot.find_element(By.TAG_NAME, "circle").rect["y"] for name, spot in labels.items()}
    assert north["תל אביב-יפו"] < north["חולון"] < north["ירושלים"]
    east = {name: spot.find_element(By.TAG_NAME, "circle").rect["x"] for name, spot in labels.items()}
    assert east["תל אביב-יפו"] < east["ירושלים"]
    assert len(browser.find_elements(By.CSS_SELECTOR, "#map .land")) > 20

    browser.find_element(By.ID, "product").click()
    _press_tab_until(browser, "g", "")
    while "ירושלים" not in str(browser.switch_to.active_element.get_attribute("aria-label")):
        _press(browser, Keys.TAB)
    _press(browser, Keys.ENTER)
    [marked] = browser.find_elements(By.CSS_SELECTOR, "#prices tr.chosen")
    assert "תלפיות" in marked.text
    _press(browser, Keys.ENTER)
    assert browser.find_elements(By.CSS_SELECTOR, "#prices tr.chosen") == []


def test_a_late_answer_about_an_earlier_product_is_dropped(browser: webdriver.Chrome, service: str) -> None:
    browser.get(service)
    products = [{"gtin": gtin, "name": name} for gtin, name in ((MILK, "חלב"), (BREAD, "לחם"))]
    browser.execute_async_script(
        "const [first, second, done] = arguments; Promise.all([show(first), show(second)]).finally(done)",
        *products,
    )

    stores = requests.get(f"{service}/v1/products/{BREAD}/prices", timeout=60).json()["rows"]
    assert len(browser.find_elements(By.CSS_SELECTOR, "#prices tr")) == len(stores)
    assert text(browser, "#name") == "לחם"


def test_a_town_limits_the_prices(browser: webdriver.Chrome, service: str) -> None:
    open_product(browser, service)
    town = browser.find_element(By.ID, "locality")
    town.send_keys("ירושלים", Keys.ENTER)
    wait_for(browser, "#found", "חלב תנובה 3%")
    browser.find_element(By.CSS_SELECTOR, "#found button").click()
    WebDriverWait(browser, SECONDS).until(
        lambda page: len(page.find_elements(By.CSS_SELECTOR, "#prices tr")) == 1
    )
    assert "תלפיות" in text(browser, "#prices")


def test_a_basket_is_compared_with_keys_alone(browser: webdriver.Chrome, service: str) -> None:
    browser.get(service)
    browser.find_element(By.ID, "words").send_keys("חלב", Keys.ENTER)
    wait_for(browser, "#found", "חלב תנובה 3%")
    _press_tab_until(browser, "button", "חלב תנובה 3%")
    _press(browser, Keys.ENTER)
    wait_for(browser, "#legend", "תלפיות")
    WebDriverWait(browser, SECONDS).until(
        lambda page: page.switch_to.active_element.get_attribute("id") == "product"
    )
    _press_tab_until(browser, "button", "הוספה לסל")
    _press(browser, Keys.ENTER)
    _press(browser, Keys.ENTER)
    _press_tab_until(browser, "button", "איפה הסל זול")
    _press(browser, Keys.ENTER)
    wait_for(browser, "#stores", "12.00")

    first = text(browser, "#stores tr")
    assert ["12.00" in first, "15.20" in first, "תלפיות" in first] == [True] * 3


def _press(browser: webdriver.Chrome, key: str) -> None:
    ActionChains(browser).send_keys(key).perform()


def _press_tab_until(browser: webdriver.Chrome, tag: str, words: str) -> None:
    for _ in range(20):
        _press(browser, Keys.TAB)
        focused = browser.switch_to.active_element
        if focused.tag_name == tag and words in focused.text:
            return
    raise AssertionError(f"no {tag} {words!r} can be reached by the tab key")


def test_nothing_is_wider_than_a_phone(browser: webdriver.Chrome, service: str, tmp_path: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    try:
        open_product(browser, service)
        browser.find_element(By.ID, "add").click()
        browser.save_screenshot(str(tmp_path / "phone.png"))
        widths = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        wide, visible = browser.execute_script(widths)
        assert (wide, visible) == (390, 390)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_name_cannot_become_a_part_of_the_page(browser: webdriver.Chrome, service: str) -> None:
    browser.get(service)
    name = "<img src=x onerror=document.title='hacked'>"
    browser.execute_script("attempt(() => show({ gtin: '7290000000015', name: arguments[0] }))", name)
    wait_for(browser, "#name", name)

    assert browser.title == "מחירים בסופרמרקטים"
    assert browser.find_elements(By.TAG_NAME, "img") == []


def test_a_service_with_keys_asks_for_one(browser: webdriver.Chrome, reader: Reader) -> None:
    with running(reader, Settings(api_keys=KEY)) as url:
        browser.get(url)
        wait_for(browser, "#message", "השירות דורש מפתח")
        browser.find_element(By.ID, "key").send_keys(KEY, Keys.ENTER)
        browser.find_element(By.ID, "words").send_keys("חלב")
        wait_for(browser, "#found", "חלב תנובה 3%")


def test_the_page_loads_nothing_from_elsewhere(service: str) -> None:
    for address, (_, media_type) in FILES.items():
        response = requests.get(f"{service}{address}", timeout=60)
        assert response.headers["content-type"] == media_type
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "https://" not in response.text
