"""Super-Pharm: an HTML grid of 20 rows per page, a session, a bot wall (docs/portals.md, Super-Pharm).

The wall answers with status 247 or with a grid without rows: an empty grid without a filter is the wall. A
link gives the file, or, as until 2026, the file's address as JSON.
"""

import json
import math
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from datetime import date, datetime
from urllib.parse import urljoin

from gogobe_dagster.errors import Code, DownloadError, PortalError
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.portals.connector import ConnectorOptions
from gogobe_dagster.portals.download_stream import check_is_file
from gogobe_dagster.portals.html_tables import TableRow, find_table, read_row
from gogobe_dagster.portals.http_errors import HttpResponse
from gogobe_dagster.portals.listing_fields import NO_JSON, parse_israel_time, parse_name
from gogobe_dagster.portals.paging import ListingPage, highest_page, read_all_pages
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.session_connector import PortalSession, SessionConnector

CATEGORIES = {
    FileKind.PRICES: "Price",
    FileKind.FULL_PRICES: "PriceFull",
    FileKind.PROMOTIONS: "Promo",
    FileKind.FULL_PROMOTIONS: "PromoFull",
    FileKind.STORES: "Stores",
}
PAGE_ROWS = 20
COLUMNS = 6
TIME_FORMAT, US_TIME_FORMAT = "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"
"""The grid printed the day first in August 2026; other importers have read the month first since."""
EXPIRED = b"link expired"
MAX_MESSAGE_BYTES = 4096  # anything longer is a file, whatever it begins with


class SuperPharm(SessionConnector):
    """The portal. It keeps about three days."""

    offers_past_days = True
    pages_until_listing = 2

    def __init__(self, options: ConnectorOptions) -> None:
        super().__init__(options)
        self._links: dict[str, str] = {}
        """Links that were found again in the current session, by file name."""

    def _list_current(self) -> list[RemoteFile]:
        files = self._read_grid(self._current_session(), {})
        if not files:
            raise self._blocked()
        return files

    def _list_day(self, day: date) -> list[RemoteFile]:
        session = self._current_session()
        files = self._read_grid(session, _day_filter(day))
        if not files and not self._read_page(session, {}, 1).files:
            raise self._blocked()
        return files

    def _blocked(self) -> PortalError:
        return PortalError(Code.BOT_CHALLENGE, f"{self._url}: an empty grid, though without a filter")

    def _download_in(self, session: PortalSession, file: RemoteFile) -> Iterator[bytes]:
        link = f"{self._url}{self._links.get(file.name, file.link)}"
        with closing(self._chunks(link, file, session, may_be_message=True)) as chunks:
            start = next(chunks)
            address = _file_address(start)
            if address is None:
                check_is_file(link, start)
                yield start
                yield from chunks
                return
        yield from self._chunks(urljoin(f"{self._url}/", address), file, session)

    def _chunks(
        self, url: str, file: RemoteFile, session: PortalSession, *, may_be_message: bool = False
    ) -> Generator[bytes]:
        yield from self._download(
            url, file, cookies=session.cookies, classify=_classify_message, may_be_message=may_be_message
        )

    def _find_again(self, file: RemoteFile, session: PortalSession) -> None:
        """List a file's day and kind again: its link may have ended with the session."""
        name = parse_name(file.name)
        if name is None:
            return  # nothing says where it is listed; the old link may still be valid
        query = _day_filter(name.published_at.date()) | {"Category-equals": CATEGORIES[name.kind]}
        with self._session_lock:
            if file.name not in self._links:
                rows = self._read_grid(session, query)
                self._links.update({row.name: row.link for row in rows})

    def _read_grid(self, session: PortalSession, query: dict[str, str]) -> list[RemoteFile]:
        return read_all_pages(
            lambda number: self._read_page(session, query, number), "the grid", page_rows=PAGE_ROWS
        )

    def _read_page(self, session: PortalSession, query: dict[str, str], number: int) -> ListingPage:
        query = {"page": str(number)} | query
        return _parse_page(self._client.request(f"{self._url}/", query=query, session=session.pages))

    def _open_session(self) -> PortalSession:
        self._links.clear()
        pages = self._client.new_session()
        self._client.request(f"{self._url}/", session=pages)
        return PortalSession(pages=pages, cookies=pages.cookies.copy())


def _day_filter(day: date) -> dict[str, str]:
    return {"Date-equals": f"{day:%d/%m/%Y}"}


def _classify_message(response: HttpResponse) -> Code | None:
    """The portal says in a short text, with any status, that it no longer knows the session."""
    is_message = len(response.body) <= MAX_MESSAGE_BYTES and EXPIRED in response.body.lower()
    return Code.SESSION_EXPIRED if is_message else None


def _file_address(start: bytes) -> str | None:
    """Return the file's address if the response only names it; None if the response is the file."""
    if len(start) > MAX_MESSAGE_BYTES or not start.lstrip().startswith(b"{"):
        return None
    try:
        message = json.loads(start)
    except NO_JSON:
        return None
    address = message.get("href")
    if not isinstance(address, str) or not address:
        reason = f"JSON without an address: {str(message)[:200]}"
        raise DownloadError(Code.MESSAGE_INSTEAD_OF_FILE, reason)
    return address.lstrip("/")


def _parse_page(response: HttpResponse) -> ListingPage:
    table = find_table(response, ".//div[@class='mvc-grid']//table")
    grid = next(div for div in table.iterancestors("div") if div.get("class") == "mvc-grid")
    rows = [row for row in table.iterfind("./tbody/tr") if row.get("class") != "mvc-grid-empty-row"]
    files = [_parse_row(read_row(row, response.url)) for row in rows]
    count = grid.get("data-total-rows", "")
    total = int(count) if count.isdecimal() else 0
    if total and not files:
        raise PortalError(Code.LISTING_TRUNCATED, f"a page without a row of {total}")
    numbers = [button.get("data-page", "") for button in grid.iterfind(".//button")]
    pages = [math.ceil(total / PAGE_ROWS), *(int(number) for number in numbers if number.isdecimal())]
    return ListingPage(files=files, last_page=highest_page(pages))


def _parse_row(row: TableRow) -> RemoteFile:
    if len(row.cells) < COLUMNS or not row.cells[1] or not row.link.startswith("/"):
        raise row.changed()
    _, name, time, _, label, *_ = row.cells
    return RemoteFile(
        name=name,
        link=row.link,
        modified_at=_parse_time(time, name, row.url),
        label=label,
    )


def _parse_time(text: str, name: str, url: str) -> datetime:
    """Parse a time of the grid, day or month first. Where both are possible, the file's name decides."""
    named = parse_name(name)
    if named is None:
        return parse_israel_time(text, TIME_FORMAT, url)
    readings = list[datetime]()
    for form in (TIME_FORMAT, US_TIME_FORMAT):
        with suppress(PortalError):
            readings.append(parse_israel_time(text, form, url))
    if not readings:
        return parse_israel_time(text, TIME_FORMAT, url)
    return min(readings, key=lambda reading: abs(reading - named.published_at))
