"""Wolt: an index of days, and one page of links per day (docs/portals.md, Wolt).

Whether the newest day is too old is not decided here: its files are listed, and their names say it.
"""

import re
from collections.abc import Iterator
from datetime import date
from posixpath import basename
from urllib.parse import urljoin

from gogobe_dagster.errors import Code
from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.http_errors import Classifier, HttpResponse, without_query
from gogobe_dagster.portals.listing_fields import SAMPLE_LENGTH, name_in_link, schema_changed
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.response_detection import parse_html

FOLDER = "/isr-prices/public/v1/"
DAY_PAGE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.html")
BAD_REQUEST = 400


class Wolt(Connector):
    """The portal. Its newest day is not always today."""

    offers_past_days = True

    def _list_current(self) -> Iterator[RemoteFile]:
        days = self._listed_days()
        return self._read_day(max(days)) if days else iter(())

    def _list_day(self, day: date) -> Iterator[RemoteFile]:
        return self._read_day(day) if day in self._listed_days() else iter(())

    def _listed_days(self) -> list[date]:
        url, links = self._read_links("index.html")
        return [_parse_day(link, url) for link in links]

    def _read_day(self, day: date) -> Iterator[RemoteFile]:
        url, links = self._read_links(f"{day}.html", _classify_missing_day)
        return (_parse_link(link, url) for link in links)

    def _read_links(self, page: str, classify: Classifier | None = None) -> tuple[str, list[str]]:
        """Return the URL of a page, and the link of every item of its list."""
        url = f"{self._url}{FOLDER}{page}"
        response = self._client.request(url, classify=classify)
        tree = parse_html(response.body)
        items = [] if tree is None else tree.findall(".//li")
        if not items and (tree is None or tree.find(".//ul") is None):
            raise schema_changed(url, "a page without its list", response.body[:SAMPLE_LENGTH])
        anchors = [item.find(".//a") for item in items]
        return url, ["" if anchor is None else anchor.get("href", "") for anchor in anchors]


def _classify_missing_day(response: HttpResponse) -> Code | None:
    """Wolt answers 400 for a day that it does not have."""
    return Code.NOT_FOUND if response.status == BAD_REQUEST else None


def _parse_day(link: str, url: str) -> date:
    match = DAY_PAGE.fullmatch(basename(without_query(link)))
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        raise schema_changed(url, "an item that is no day", link) from None


def _parse_link(link: str, url: str) -> RemoteFile:
    try:
        path = urljoin(FOLDER, link)
    except ValueError as error:  # such as `http://[x`
        raise schema_changed(url, f"an invalid link ({error})", link) from None
    name = name_in_link(path)
    if not name or not path.startswith(f"{FOLDER}download/"):
        raise schema_changed(url, "an item that is no file", link)
    return RemoteFile(name=name, link=path)
