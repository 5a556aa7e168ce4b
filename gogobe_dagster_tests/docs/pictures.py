"""Takes the pictures of the documentation from the running product: `make pictures`.

Two days of the demo's feeds are imported from replicas into a home of their own. The first day is complete;
on the second, one feed loses files, so that the pictures show what that looks like.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import click
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from gogobe_dagster.commands.demo import FEEDS
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.replica.generator.market import SyntheticMarket
from gogobe_dagster.replica.generator.publishing import publish_days
from gogobe_dagster.replica.server import Replica
from gogobe_dagster_tests.browser import MISSING, find, is_installed, open_browser
from gogobe_dagster_tests.docs.pages import DOCS
from gogobe_dagster_tests.import_env import midnight, yesterday
from gogobe_dagster_tests.ports import free_port
from gogobe_dagster_tests.postgres.servers import temporary_folder
from gogobe_dagster_tests.waiting import wait_for_progress

IMAGES: Final = DOCS / "images"
PROGRAMS: Final = Path(sys.executable).parent
SETTLED_SECONDS = 5
"""For what a page draws after its text is there."""
LOSSES: Final = ("missing_file", "osher_ad", "PriceFull*")


class Picture(NamedTuple):
    """A page, and the text that is on it once it has been drawn."""

    name: str
    path: str
    text: str
    size: tuple[int, int] = (1600, 900)
    searches: str = ""
    """What is typed into the search of the service's page; the first product found is shown."""


DAGSTER: Final = (
    Picture("grid", "/assets/prices?view=partitions", "osher_ad", (1600, 760)),
    Picture("fleet", "/assets/fleet?view=events", "prices the day before", (2150, 1300)),
    Picture("materialization", "/assets/discovered?view=events", "files published per hour", (1600, 1250)),
    Picture("checks", "/assets/feed_health?view=checks", "few_quarantined", (1700, 700)),
)
SERVICE: Final = (Picture("prices", "/", "מחירים בסופרמרקטים", (1200, 1100), searches="במבה"),)


@click.command()
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    """Take the pictures with these NAMES again, or all of them, into docs/images."""
    if not is_installed():
        raise click.ClickException(MISSING)
    with temporary_folder() as home, imported(home) as variables, TemporaryDirectory() as profile:
        for command, pictures in (("up", DAGSTER), ("serve", SERVICE)):
            wanted = [picture for picture in pictures if not names or picture.name in names]
            if wanted:
                take(wanted, command, variables, Path(profile))


@contextmanager
def imported(home: Path) -> Iterator[Mapping[str, str]]:
    """Import the two days; return the variables that the commands need."""
    day = yesterday()
    with Replica() as replica:
        publications = {key: replica.publications(key) for key in FEEDS}
        publish_days(
            publications,
            [find_feed(key) for key in FEEDS],
            first_day=day - timedelta(days=1),
            market=SyntheticMarket(stores=5, items=120),
            now=midnight(),
        )
        variables = {
            "GOGOBE_HOME": str(home / "home"),
            "GOGOBE_REPLICA_URL": replica.url,
            "GOGOBE_SENSORS_ON": "0",
        }
        try:
            run(variables, "gogobe", "import", *options(FEEDS), "--day", str(day - timedelta(days=1)))
            fault, feed, names = LOSSES
            replica.faults.switch_on(fault, feed=feed, names=names)
            run(variables, "gogobe", "import", *options(FEEDS), "--day", str(day), check=False)
            run(variables, "dg", "launch", "--job", "check_data_quality")
            run(variables, "dg", "launch", "--job", "report_fleet", "--partition", str(day))
            yield variables
        finally:
            run(variables, "gogobe", "down", check=False)


def today() -> date:
    return yesterday() + timedelta(days=1)


def options(feeds: tuple[str, ...]) -> list[str]:
    return [part for feed in feeds for part in ("--feed", feed)]


def run(variables: Mapping[str, str], program: str, *arguments: str, check: bool = True) -> None:
    click.echo(f"{program} {' '.join(arguments)}", err=True)
    subprocess.run([PROGRAMS / program, *arguments], env=environment(variables), check=check)


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": f"{PROGRAMS}:/usr/bin:/bin", "LANG": "C.UTF-8", **variables}


def take(pictures: list[Picture], command: str, variables: Mapping[str, str], profile: Path) -> None:
    """Take pictures of the pages that a command of ours serves."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    serving = [str(PROGRAMS / "gogobe"), command, "--port", str(port)]
    with subprocess.Popen(serving, env=environment(variables)) as process:
        try:
            wait_for_progress(answers(url), what=url)
            for picture in pictures:
                width, height = picture.size
                with open_browser(profile / picture.name, width=width, height=height) as page:
                    photograph(page, url, picture)
        finally:
            process.terminate()


def answers(url: str) -> Callable[[], bool]:
    def is_there() -> bool:
        try:
            return requests.get(url, timeout=5).ok
        except requests.RequestException:
            return False

    return is_there


def photograph(page: webdriver.Chrome, url: str, picture: Picture) -> None:
    """Wait for a page and save it as a picture."""
    page.get(url + picture.path)
    if picture.text:
        find(page, picture.text)
    if picture.searches:
        show_product(page, picture.searches)
    time.sleep(SETTLED_SECONDS)
    page.save_screenshot(str(IMAGES / f"{picture.name}.png"))
    click.echo(f"docs/images/{picture.name}.png", err=True)


def show_product(page: webdriver.Chrome, words: str) -> None:
    page.find_element(By.ID, "words").send_keys(words, Keys.ENTER)
    wait_for(page, "#found button").click()
    wait_for(page, "#prices tr")


def wait_for(page: webdriver.Chrome, selector: str) -> WebElement:
    return WebDriverWait(page, 60).until(lambda driver: driver.find_element(By.CSS_SELECTOR, selector))


if __name__ == "__main__":
    main()
