"""Wolt: an index of days, and one page of links per day (docs/portals.md, Wolt).

Whether the newest day is too old is not decided here: its files are listed, and their names say it.
"""

import re
from datetime import date
from posixpath import basename
from urllib.parse import unquote, urljoin

from gogobe_dagster.errors import Code
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.http_errors import Answer, Meaning, no_special_meaning, place
from gogobe_dagster.portals.listing import LINE_OF_SAMPLE, named_once, schema_changed
from gogobe_dagster.portals.response_detection import tree_of

FOLDER = "/isr-prices/public/v1/"
DAY_PAGE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.html")
BAD_REQUEST = 400


class Wolt(Connector):
    """The portal."""

    offers_past_days = True

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List the newest day, which is not always today, or the one asked for. See `Portal.list_files`."""
        index, links = self._links("index.html")
        days = [_day(link, index) for link in links]
        wanted = day or max(days, default=None)
        if wanted is None or wanted not in days:
            return []
        page, links = self._links(f"{wanted}.html", _missing_day)
        return named_once(_file(link, page) for link in links)

    def _links(self, page: str, meaning: Meaning = no_special_meaning) -> tuple[str, list[str]]:
        """Return where a page is, and the link of every line of its list."""
        url = f"{self._url}{FOLDER}{page}"
        answer = self._client.patiently(lambda: self._client.ask(url, meaning=meaning))
        tree = tree_of(answer.body)
        lines = [] if tree is None else tree.findall(".//li")
        if not lines and (tree is None or tree.find(".//ul") is None):
            raise schema_changed(url, "a page without its list", answer.body[:LINE_OF_SAMPLE])
        anchors = [line.find(".//a") for line in lines]
        return url, ["" if anchor is None else anchor.get("href", "") for anchor in anchors]


def _missing_day(answer: Answer) -> Code | None:
    """Wolt answers 400 for a day that it does not have."""
    return Code.NOT_FOUND if answer.status == BAD_REQUEST else None


def _day(link: str, where: str) -> date:
    match = DAY_PAGE.fullmatch(basename(place(link)))
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        raise schema_changed(where, "a line that is no day", link) from None


def _file(link: str, where: str) -> RemoteFile:
    path = _within(link, where)
    name = unquote(basename(place(path)))
    if not name or not path.startswith(f"{FOLDER}download/"):
        raise schema_changed(where, "a line that is no file", link)
    return RemoteFile(name=name, link=path)


def _within(link: str, where: str) -> str:
    """Return a link as a path of the portal."""
    try:
        return urljoin(FOLDER, link)
    except ValueError as error:  # such as `http://[x`
        raise schema_changed(where, f"a link that is none ({error})", link) from None
