"""Netiv HaHesed: one page of download links per day, behind Cloudflare (docs/portals.md, Netiv HaHesed).

Only the links are read, because only their form is known for certain. Until the morning the page of today
has only deltas: then the three days before are listed too.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from posixpath import basename
from typing import Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from lxml import html

from gogobe_dagster.errors import UnknownFileName
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.files.names import FileName
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.connector import DayByDay, walled
from gogobe_dagster.portals.http_errors import Answer
from gogobe_dagster.portals.listing import LINE_OF_SAMPLE, named_once, schema_changed
from gogobe_dagster.portals.response_detection import tree_of

DAYS_BACK = 3
DOWNLOAD = "/prices/download"
FILTERS: Final = ("StoreNumber", "FileType", "BranchTypeNumber", "Search")
FIELDS: Final = {name.lower() for name in ("Date", *FILTERS)}


class NetivHaHesed(DayByDay):
    """The portal."""

    def _now(self, today: date) -> list[RemoteFile]:
        files = self._of_day(today)
        if any(_is_snapshot(file.name) for file in files):
            return files
        earlier = [today - timedelta(days=back) for back in range(DAYS_BACK, 0, -1)]
        return [*(file for day in earlier for file in self._of_day(day)), *files]

    def _of_day(self, day: date) -> list[RemoteFile]:
        query = {"Date": f"{day}"} | dict.fromkeys(FILTERS, "")
        url = f"{self._url}/"
        return _read(self._client.patiently(lambda: self._client.ask(url, query=query, meaning=walled)))


def _is_snapshot(name: str) -> bool:
    try:
        return FileName.parse(name).kind is FileKind.FULL_PRICES
    except UnknownFileName:
        return False


def _read(answer: Answer) -> list[RemoteFile]:
    """Take every download link; a page without one is an empty day only when it asks for a day."""
    tree = tree_of(answer.body)
    files = [] if tree is None else named_once(_files(tree, answer.url))
    if not files and (tree is None or not _has_filter(tree)):
        raise schema_changed(answer.url, "a page without links and filter", answer.body[:LINE_OF_SAMPLE])
    return files


def _files(tree: html.HtmlElement, where: str) -> Iterator[RemoteFile]:
    for anchor in tree.iter("a"):
        link = anchor.get("href", "")
        try:
            path, query = urlsplit(urljoin("/", link))[2:4]
        except ValueError:  # such as `http://[x`
            continue
        if path.rstrip("/").lower() != DOWNLOAD:
            continue
        said = {key.lower(): value for key, value in parse_qsl(query)}
        name = basename(said.get("filename", ""))
        if not name:
            raise schema_changed(where, "a download without a name", link)
        yield RemoteFile(name=name, link=urljoin("/", link))


def _has_filter(tree: html.HtmlElement) -> bool:
    controls = tree.iter("input", "select")
    said = {control.get(name, "").lower() for control in controls for name in ("name", "id")}
    return bool(said & FIELDS)
