"""Shufersal: an HTML grid of 20 rows per page and signed links (docs/portals.md, Shufersal).

Rows move down while the grid is read, and pages after the last repeat it. A link lives 30 to 60 minutes; a
file whose link has expired is found again by its kind and store.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from gogobe_dagster.errors import Code, DownloadError
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.portals.connector import Connector, ConnectorOptions
from gogobe_dagster.portals.html_tables import TableRow, find_table, read_row
from gogobe_dagster.portals.http_errors import FORBIDDEN, HttpResponse
from gogobe_dagster.portals.listing_fields import (
    is_absolute,
    name_in_link,
    parse_israel_time,
    parse_name,
    parse_rounded_size,
)
from gogobe_dagster.portals.paging import ListingPage, highest_page, read_all_pages
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.request_policy import RequestPolicy

CATEGORIES = {
    FileKind.PRICES: 1,
    FileKind.FULL_PRICES: 2,
    FileKind.PROMOTIONS: 3,
    FileKind.FULL_PROMOTIONS: 4,
    FileKind.STORES: 5,
}
"""The portal's numbers of kinds; a request may name one."""
ALL_STORES = 0
PAGE_ROWS = 20
COLUMNS = 6  # link, time, size, type, category, store; the rest is not read
TIME_FORMAT = "%m/%d/%Y %I:%M:%S %p"
PAGE_NUMBER = re.compile(r"[?&]page=([0-9]{1,6})")


class Shufersal(Connector):
    """The portal. Its listing timeout is long: a page takes up to 30 seconds under load."""

    policy = RequestPolicy(listing_timeout=150)

    def __init__(self, options: ConnectorOptions) -> None:
        super().__init__(options)
        self._renewed: dict[str, RemoteFile] = {}

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file; an expired link is renewed once. See `Portal.fetch`."""
        try:
            yield from self._download_row(self._renewed.get(file.name, file))
        except DownloadError as error:
            if error.code is not Code.LINK_EXPIRED:
                raise
        else:
            return
        yield from self._download_row(self._renew(file))

    def _list_current(self) -> list[RemoteFile]:
        with ThreadPoolExecutor(max_workers=self.parallel_downloads, thread_name_prefix="listing") as pool:
            kinds = list(pool.map(self._list_category, CATEGORIES.values()))
        return [file for files in kinds for file in files]

    def _download_row(self, file: RemoteFile) -> Iterator[bytes]:
        return self._download(file.link, file, classify=_classify_azure)

    def _renew(self, file: RemoteFile) -> RemoteFile:
        """List a file's kind and store again: that renews its link, and those of its neighbours."""
        name = parse_name(file.name)
        if name is None:
            reason = f"{file.name}: the name does not say which kind to list again"
            raise DownloadError(Code.LINK_EXPIRED, reason)
        rows = self._list_category(CATEGORIES[name.kind], name.store_id or ALL_STORES)
        self._renewed.update({row.name: row for row in rows})
        if file.name not in self._renewed:
            raise DownloadError(Code.LINK_EXPIRED, f"{file.name}: the portal no longer lists it")
        return self._renewed[file.name]

    def _list_category(self, category: int, store: int = ALL_STORES) -> list[RemoteFile]:
        return read_all_pages(
            lambda number: self._read_page(category, store, number), f"kind {category}", page_rows=PAGE_ROWS
        )

    def _read_page(self, category: int, store: int, number: int) -> ListingPage:
        query = {"catID": str(category), "storeId": str(store), "page": str(number)}
        return _parse_page(self._client.request(f"{self._url}/FileObject/UpdateCategory", query=query))


def _classify_azure(response: HttpResponse) -> Code | None:
    """Azure answers 403 with an XML error when a signature has expired or is damaged."""
    return Code.LINK_EXPIRED if response.status == FORBIDDEN else None


def _parse_page(response: HttpResponse) -> ListingPage:
    grid = find_table(response, ".//*[@id='gridContainer']//table")
    pager = " ".join(link.get("href", "") for link in grid.iterfind(".//tfoot//a"))
    rows = [read_row(row, response.url, link_cell=0) for row in grid.iterfind(".//tbody/tr")]
    return ListingPage(
        files=[_parse_row(row) for row in rows],
        last_page=highest_page(PAGE_NUMBER.findall(pager)),
    )


def _parse_row(row: TableRow) -> RemoteFile:
    if len(row.cells) < COLUMNS or not is_absolute(row.link):
        raise row.changed()
    _, time, size, _, _, label, *_ = row.cells
    size_in_bytes, slack = parse_rounded_size(size, row.url)
    return RemoteFile(
        name=name_in_link(row.link),
        link=row.link,
        size=size_in_bytes,
        size_tolerance=slack,
        modified_at=parse_israel_time(time, TIME_FORMAT, row.url),
        label=label,
    )
