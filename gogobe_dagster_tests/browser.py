"""Debian's Chromium without a screen, for tests and for the pictures of the documentation."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

MISSING = "no chromium and chromedriver on the path: apt-get install chromium chromium-driver"


def is_installed() -> bool:
    """Return whether there is a Chromium to drive."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


@contextmanager
def open_browser(profile: Path, *, width: int = 1500, height: int = 1000) -> Iterator[webdriver.Chrome]:
    """Start Chromium with an empty profile in this folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = f"{shutil.which('chromium')}"
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        f"--window-size={width},{height}",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    chrome = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(f"{shutil.which('chromedriver')}")
    )
    try:
        yield chrome
    finally:
        chrome.quit()


def find(browser: webdriver.Chrome, text: str, seconds: float = 60) -> WebElement:
    """Wait for an element with this text and return the innermost one that is shown."""
    path = f"//*[normalize-space(.)='{text}' and not(.//*[normalize-space(.)='{text}'])]"

    def shown(driver: webdriver.Chrome) -> WebElement | None:
        return next((found for found in driver.find_elements(By.XPATH, path) if found.is_displayed()), None)

    # the page may be redrawn between finding an element and reading it
    wait = WebDriverWait(browser, seconds, ignored_exceptions=[StaleElementReferenceException])
    found = wait.until(shown, f"{text!r} is not on the page {browser.current_url}")
    assert found is not None
    return found
