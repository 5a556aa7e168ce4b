"""Super-Pharm: an HTML grid of 20 rows per page, a session, a bot wall (docs/portals.md, Super-Pharm).

The wall answers with status 247 or with a grid without rows: an empty grid without a filter is the wall. A
link gives the file, or, as until 2026, the file's address as JSON.
"""

import json
import math
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from threading import Lock
from urllib.parse import urljoin

import requests
from lxml import etree
from requests.cookies import RequestsCookieJar

from gogobe_dagster.errors import Code, CodedError, DownloadError, PortalError, UnknownFileName
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.files.names import FileName
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.http import Client, Manners
from gogobe_dagster.portals.http_errors import Answer
from gogobe_dagster.portals.listing import LINE_OF_SAMPLE, israel_time, named_once, schema_changed
from gogobe_dagster.portals.paging import PAGE_ROWS, Page, walk
from gogobe_dagster.portals.response_detection import tree_of

CATEGORIES = {
    FileKind.PRICES: "Price",
    FileKind.FULL_PRICES: "PriceFull",
    FileKind.PROMOTIONS: "Promo",
    FileKind.FULL_PROMOTIONS: "PromoFull",
    FileKind.STORES: "Stores",
}
COLUMNS = 6
WRITTEN = "%d/%m/%Y %H:%M:%S"
EXPIRED = b"link expired"
LONGEST_NOTE = 4096  # what is longer is a file, whatever it begins with


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A session that the portal knows."""

    session: requests.Session
    """For pages, by one thread."""
    cookies: RequestsCookieJar
    """For downloads, by any thread; nobody changes it."""


class SuperPharm:
    """The portal."""

    manners = Manners()
    offers_past_days = True

    def __init__(self, feed: Feed, *, base_url: str, limit: int, manners: Manners | None = None) -> None:
        """Open nothing yet. `limit` is the most bytes of one file."""
        self._feed = feed
        self._url = base_url
        self._limit = limit
        self._client = Client(manners or self.manners)
        self._entering = Lock()
        self._visit: Visit | None = None
        self._links: dict[str, str] = {}

    @property
    def parallel_downloads(self) -> int:
        """How many files at once."""
        return self._client.manners.parallel

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """Walk the grid, of one day or of the about three that it keeps. See `Portal.list_files`."""
        visit = self._current()
        files = walk(lambda number: self._page(visit.session, _filter(day), number), "the grid")
        if not files and (day is None or not self._page(visit.session, {}, 1).files):
            raise PortalError(Code.BOT_CHALLENGE, f"{self._url}: a grid without a row, though unfiltered")
        return named_once(files)

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file. See `Portal.fetch`."""
        visit = self._current()
        try:
            yield from self._stream(file, visit)
        except CodedError as error:
            if error.code is not Code.SESSION_EXPIRED:
                raise
        else:
            return
        fresh = self._renewed(visit)
        self._find_again(file, fresh)
        yield from self._stream(file, fresh)

    def close(self) -> None:
        """Give back sockets. Idempotent."""
        if self._visit:
            self._visit.session.close()
        self._client.close()

    def _stream(self, file: RemoteFile, visit: Visit) -> Iterator[bytes]:
        link = f"{self._url}{self._links.get(file.name, file.link)}"
        with closing(self._bytes(link, file, visit)) as chunks:
            start = next(chunks)
            place = _place(start)
            if place is None:
                yield start
                yield from chunks
                return
        yield from self._bytes(urljoin(f"{self._url}/", place), file, visit)

    def _bytes(self, url: str, file: RemoteFile, visit: Visit) -> Generator[bytes]:
        yield from self._client.stream(
            url, file=file, limit=self._limit, cookies=visit.cookies, meaning=_expired
        )

    def _find_again(self, file: RemoteFile, visit: Visit) -> None:
        """List a file's day and kind anew: its link may have died with the session."""
        try:
            name = FileName.parse(file.name)
        except UnknownFileName:
            return  # nothing says where to look; the link that we have may still be good
        query = _filter(name.published_at.date()) | {"Category-equals": CATEGORIES[name.kind]}
        with self._entering:
            if file.name not in self._links:
                rows = walk(lambda number: self._page(visit.session, query, number), "the grid")
                self._links.update({row.name: row.link for row in rows})

    def _page(self, session: requests.Session, query: dict[str, str], number: int) -> Page:
        asked = {"page": str(number)} | query
        url = f"{self._url}/"
        return _read(self._client.patiently(lambda: self._client.ask(url, query=asked, session=session)))

    def _current(self) -> Visit:
        with self._entering:
            if self._visit is None:
                session = self._client.new_session()
                self._client.patiently(lambda: self._client.ask(f"{self._url}/", session=session))
                self._visit = Visit(session=session, cookies=session.cookies.copy())
            return self._visit

    def _renewed(self, stale: Visit) -> Visit:
        """Return a newer visit than `stale`; of several threads only the first begins one."""
        with self._entering:
            if self._visit is stale:
                stale.session.close()
                self._visit = None
                self._links.clear()
        return self._current()


def _filter(day: date | None) -> dict[str, str]:
    return {"Date-equals": f"{day:%d/%m/%Y}"} if day else {}


def _expired(answer: Answer) -> Code | None:
    """The portal says in words, with any status, that it forgot the session."""
    is_note = len(answer.body) <= LONGEST_NOTE and EXPIRED in answer.body.lower()
    return Code.SESSION_EXPIRED if is_note else None


def _place(start: bytes) -> str | None:
    """Return where the file lies when the answer only says so; None when the answer is the file."""
    if len(start) > LONGEST_NOTE or not start.lstrip().startswith(b"{"):
        return None
    try:
        told = json.loads(start)
    except ValueError:
        return None
    place = told.get("href")
    if not isinstance(place, str) or not place:
        raise DownloadError(Code.HTTP_ERROR, f"JSON without a place instead of the file: {str(told)[:200]}")
    return place.lstrip("/")


def _read(answer: Answer) -> Page:
    tree = tree_of(answer.body)
    grid = None if tree is None else tree.find(".//div[@class='mvc-grid']")
    table = None if grid is None else grid.find(".//table")
    if grid is None or table is None:
        raise schema_changed(answer.url, "a page without its grid", answer.body[:LINE_OF_SAMPLE])
    rows = [row for row in table.iterfind("./tbody/tr") if row.get("class") != "mvc-grid-empty-row"]
    numbers = [button.get("data-page", "") for button in grid.iterfind(".//button")]
    total = grid.get("data-total-rows", "")
    by_count = math.ceil(int(total) / PAGE_ROWS) if total.isdecimal() else 1
    files = [_file(row, answer.url) for row in rows]
    if not files and total.isdecimal() and int(total):
        raise PortalError(Code.LISTING_TRUNCATED, f"a page without a row of {total}")
    return Page(files=files, last=max([1, by_count, *(int(text) for text in numbers if text.isdecimal())]))


def _file(row: etree._Element, where: str) -> RemoteFile:
    cells = row.findall("td")
    anchor = cells[-1].find(".//a") if len(cells) >= COLUMNS else None
    link = "" if anchor is None else anchor.get("href", "")
    name, written, _, label = (_text(cell) for cell in cells[1:5]) if anchor is not None else [""] * 4
    if not name or not link.startswith("/"):
        raise schema_changed(where, "a row that is not as it was", etree.tostring(row, encoding="unicode"))
    return RemoteFile(name=name, link=link, modified_at=israel_time(written, WRITTEN, where), label=label)


def _text(cell: etree._Element) -> str:
    return "".join(str(part) for part in cell.itertext()).strip()
