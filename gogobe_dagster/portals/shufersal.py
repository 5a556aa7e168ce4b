"""Shufersal: an HTML grid of 20 rows per page and signed links (docs/portals.md, Shufersal).

Rows move down while the grid is read, and pages after the last repeat it. A link lives 30 to 60 minutes; a
file whose link has expired is found again by its kind and store.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from posixpath import basename
from urllib.parse import unquote

from lxml import etree

from gogobe_dagster.errors import Code, DownloadError, PortalError, UnknownFileName
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.files.names import FileName
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.http import Client, Manners
from gogobe_dagster.portals.http_errors import Answer, place
from gogobe_dagster.portals.listing import (
    LINE_OF_SAMPLE,
    israel_time,
    named_once,
    rounded_size,
    schema_changed,
)
from gogobe_dagster.portals.paging import Page, walk
from gogobe_dagster.portals.response_detection import tree_of

# A comma list of kinds stopped working in January 2026: one kind a request.
CATEGORIES = {
    FileKind.PRICES: 1,
    FileKind.FULL_PRICES: 2,
    FileKind.PROMOTIONS: 3,
    FileKind.FULL_PROMOTIONS: 4,
    FileKind.STORES: 5,
}
EVERY_STORE = 0
COLUMNS = 6  # up to the branch; what comes after is not needed
WRITTEN = "%m/%d/%Y %I:%M:%S %p"
PAGE_NUMBER = re.compile(r"[?&]page=([0-9]{1,6})")
FORBIDDEN = 403


class Shufersal:
    """The portal. Its listing timeout is long: a page takes up to 30 seconds under load."""

    manners = Manners(listing=150)
    offers_past_days = False

    def __init__(self, feed: Feed, *, base_url: str, limit: int, manners: Manners | None = None) -> None:
        """Open nothing yet. `limit` is the most bytes of one file."""
        self._feed = feed
        self._url = base_url
        self._limit = limit
        self._client = Client(manners or self.manners)
        self._renewed: dict[str, RemoteFile] = {}

    @property
    def parallel_downloads(self) -> int:
        """How many files at once."""
        return self._client.manners.parallel

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """Walk the pages of every kind, kinds side by side. See `Portal.list_files`."""
        if day is not None:
            raise PortalError(Code.PAST_DAY_NOT_OFFERED, f"{self._feed.key} shows only what it has now")
        with ThreadPoolExecutor(max_workers=self.parallel_downloads, thread_name_prefix="listing") as pool:
            kinds = list(pool.map(self._walk, CATEGORIES.values()))
        return named_once(file for files in kinds for file in files)

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file; a link that died is renewed once. See `Portal.fetch`."""
        try:
            yield from self._stream(self._renewed.get(file.name, file))
        except DownloadError as error:
            if error.code is not Code.LINK_EXPIRED:
                raise
        else:
            return
        yield from self._stream(self._renew(file))

    def close(self) -> None:
        """Give back sockets. Idempotent."""
        self._client.close()

    def _stream(self, file: RemoteFile) -> Iterator[bytes]:
        return self._client.stream(file.link, file=file, limit=self._limit, meaning=_expired)

    def _renew(self, file: RemoteFile) -> RemoteFile:
        """Find a file's row again, and with it fresh links of its neighbours."""
        try:
            name = FileName.parse(file.name)
        except UnknownFileName:
            raise DownloadError(Code.LINK_EXPIRED, f"{file.name}: nothing says where to look again") from None
        rows = self._walk(CATEGORIES[name.kind], name.store_id or EVERY_STORE)
        self._renewed.update({row.name: row for row in rows})
        if file.name not in self._renewed:
            raise DownloadError(Code.LINK_EXPIRED, f"{file.name}: the portal no longer lists it")
        return self._renewed[file.name]

    def _walk(self, category: int, store: int = EVERY_STORE) -> list[RemoteFile]:
        return walk(lambda number: self._page(category, store, number), f"kind {category}")

    def _page(self, category: int, store: int, number: int) -> Page:
        query = {"catID": str(category), "storeId": str(store), "page": str(number)}
        url = f"{self._url}/FileObject/UpdateCategory"
        return _read(self._client.patiently(lambda: self._client.ask(url, query=query)))


def _expired(answer: Answer) -> Code | None:
    """Azure answers 403 with an XML error to a signature that is past its time, or damaged."""
    return Code.LINK_EXPIRED if answer.status == FORBIDDEN else None


def _read(answer: Answer) -> Page:
    tree = tree_of(answer.body)
    grid = None if tree is None else tree.find(".//*[@id='gridContainer']//table")
    if grid is None:
        raise schema_changed(answer.url, "a page without its grid", answer.body[:LINE_OF_SAMPLE])
    pager = PAGE_NUMBER.findall(" ".join(link.get("href", "") for link in grid.iterfind(".//tfoot//a")))
    return Page(
        files=[_file(row, answer.url) for row in grid.iterfind(".//tbody/tr")],
        last=max([1, *map(int, pager)]),
    )


def _file(row: etree._Element, where: str) -> RemoteFile:
    cells = row.findall("td")
    anchor = cells[0].find(".//a") if len(cells) >= COLUMNS else None
    link = "" if anchor is None else anchor.get("href", "")  # the parser has turned `&amp;` into `&`
    if not link.startswith(("https://", "http://")):
        raise schema_changed(where, "a row that is not as it was", etree.tostring(row, encoding="unicode"))
    _, written, size, _, _, label, *_ = (_text(cell) for cell in cells)
    size_in_bytes, slack = rounded_size(size, where)
    return RemoteFile(
        name=unquote(basename(place(link))),
        link=link,
        size=size_in_bytes,
        size_slack=slack,
        modified_at=israel_time(written, WRITTEN, where),
        label=label,
    )


def _text(cell: etree._Element) -> str:
    return "".join(str(part) for part in cell.itertext()).strip()
