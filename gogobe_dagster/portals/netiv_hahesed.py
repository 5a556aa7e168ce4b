"""Netiv HaHesed: one page of download links per day, behind Cloudflare (docs/portals.md, Netiv HaHesed).

Only the links are read, because only their form is known for certain. Until the morning the page of today has
only deltas: then the three days before are listed too.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from posixpath import basename
from typing import Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from lxml import html

from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.http_errors import HttpResponse, classify_cloudflare
from gogobe_dagster.portals.listing_fields import SAMPLE_LENGTH, parse_name, schema_changed, verify_day
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.response_detection import parse_html

DAYS_BACK = 3
DOWNLOAD_PATH = "/prices/download"
UNUSED_FILTERS: Final = ("StoreNumber", "FileType", "BranchTypeNumber", "Search")
FILTERS: Final = {name.lower() for name in ("Date", *UNUSED_FILTERS)}


class NetivHaHesed(Connector):
    """The portal."""

    offers_past_days = True

    def _list_current(self) -> list[RemoteFile]:
        today = self._today()
        files = self._read_day(today)
        if any(_is_full_price_file(file.name) for file in files):
            return files
        earlier = [today - timedelta(days=back) for back in range(DAYS_BACK, 0, -1)]
        return [*(file for day in earlier for file in self._read_day(day)), *files]

    def _list_day(self, day: date) -> list[RemoteFile]:
        return verify_day(day, self._read_day(day), self._url)

    def _read_day(self, day: date) -> list[RemoteFile]:
        query = {"Date": f"{day}"} | dict.fromkeys(UNUSED_FILTERS, "")
        return _parse_page(self._client.request(f"{self._url}/", query=query, classify=classify_cloudflare))


def _is_full_price_file(name: str) -> bool:
    parsed = parse_name(name)
    return parsed is not None and parsed.kind is FileKind.FULL_PRICES


def _parse_page(response: HttpResponse) -> list[RemoteFile]:
    """Read every download link; a page without one is an empty day only if it has the portal's filters."""
    tree = parse_html(response.body)
    files = [] if tree is None else list(_download_links(tree, response.url))
    if not files and (tree is None or not _has_filters(tree)):
        sample = response.body[:SAMPLE_LENGTH]
        raise schema_changed(response.url, "a page without links and filters", sample)
    return files


def _download_links(tree: html.HtmlElement, url: str) -> Iterator[RemoteFile]:
    for anchor in tree.iter("a"):
        link = anchor.get("href", "")
        try:
            path, query = urlsplit(urljoin("/", link))[2:4]
        except ValueError:  # such as `http://[x`
            continue
        if path.rstrip("/").lower() != DOWNLOAD_PATH:
            continue
        parameters = {key.lower(): value for key, value in parse_qsl(query)}
        name = basename(parameters.get("filename", ""))
        if not name:
            raise schema_changed(url, "a download without a name", link)
        yield RemoteFile(name=name, link=urljoin("/", link))


def _has_filters(tree: html.HtmlElement) -> bool:
    controls = tree.iter("input", "select")
    names = {control.get(key, "").lower() for control in controls for key in ("name", "id")}
    return bool(names & FILTERS)
