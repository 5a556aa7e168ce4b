"""Cerberus over the web: login, rotating token, JSON list (docs/portals.md, Cerberus).

One connector is one account. The same account over FTP is `cerberus_ftp`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.cookies import RequestsCookieJar

from gogobe_dagster.errors import Code, CodedError, PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.http import Client, Manners
from gogobe_dagster.portals.http_errors import Answer
from gogobe_dagster.portals.listing import field, israel_time, json_of, named_once, schema_changed
from gogobe_dagster.portals.response_detection import is_login_form

TOKEN = re.compile(rb"""<meta\s+name="csrftoken"\s+content="([^"]+)""", re.IGNORECASE)
WRITTEN = "%m/%d/%Y %H:%M"
PAGE_ROWS = 100_000  # the portal's own page asks for as many: `dtDisplayLength`, recorded August 2025
TRIES_OF_PAGING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session that the portal accepted."""

    session: requests.Session
    """For pages, by one thread; its jar changes with every page."""
    cookies: RequestsCookieJar
    """For downloads, by any thread; nobody changes it."""


class Cerberus:
    """One account."""

    manners = Manners()
    offers_past_days = False

    def __init__(self, feed: Feed, *, base_url: str, limit: int, manners: Manners | None = None) -> None:
        """Open nothing yet; the first question logs in. `limit` is the most bytes of one file."""
        self._feed = feed
        self._url = base_url
        self._limit = limit
        self._client = Client(manners or self.manners)
        self._signing_in = Lock()
        self._login: Login | None = None
        self._refused = ""

    @property
    def parallel_downloads(self) -> int:
        """How many files at once."""
        return self._client.manners.parallel

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List the account's folder. See `Portal.list_files`."""
        if day is not None:
            raise PortalError(Code.PAST_DAY_NOT_OFFERED, f"{self._feed.key} shows only what it has now")
        login = self._current_login()
        try:
            return self._list(login)
        except PortalError as error:
            if error.code not in {Code.SESSION_EXPIRED, Code.CSRF_REJECTED}:
                raise
        return self._list(self._renewed(login))

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file. See `Portal.fetch`."""
        login = self._current_login()
        try:
            yield from self._stream(file, login)
        except CodedError as error:
            if error.code is not Code.SESSION_EXPIRED:
                raise
        else:
            return
        yield from self._stream(file, self._renewed(login))

    def close(self) -> None:
        """Give back sockets. Idempotent."""
        if self._login:
            self._login.session.close()
        self._client.close()

    def _stream(self, file: RemoteFile, login: Login) -> Iterator[bytes]:
        return self._client.stream(
            f"{self._url}{self._path(file.name)}",
            file=file,
            limit=self._limit,
            cookies=login.cookies,
            meaning=_login_page,
        )

    def _list(self, login: Login) -> list[RemoteFile]:
        page = self._client.patiently(lambda: self._page("/file", login.session))
        token = _token(page)
        rows = self._rows(login, token)
        return named_once(self._file(row) for row in rows if row.get("type") != "folder")

    def _rows(self, login: Login, token: str) -> list[dict[str, Any]]:
        """Page on until the portal's own count is reached; begin again when it changes on the way."""
        for _ in range(TRIES_OF_PAGING):
            rows, total = self._folder(login, token, 0)
            count = total
            while rows and len(rows) < total == count:
                more, count = self._folder(login, token, len(rows))
                if not more:
                    break
                rows += more
            if len({str(row.get("fname")) for row in rows}) == len(rows) == total == count:
                return rows
        raise PortalError(
            Code.LISTING_TRUNCATED, f"{len(rows)} rows of {total} after {TRIES_OF_PAGING} tries"
        )

    def _folder(self, login: Login, token: str, start: int) -> tuple[list[dict[str, Any]], int]:
        """Return one page of rows, and how many rows there are in all."""
        answer = self._client.patiently(
            lambda: self._client.ask(
                f"{self._url}/file/json/dir",
                form=_question(self._feed.folder, token, start),
                headers={"X-Requested-With": "XMLHttpRequest"},
                session=login.session,
                meaning=_login_page,
            )
        )
        page = json_of(answer)
        if isinstance(page, dict) and page.get("error"):  # with status 200 and an empty list beside it
            raise PortalError(Code.CSRF_REJECTED, f"the portal refuses the list: {page['error']}")
        match page:
            case {"aaData": [*rows], "iTotalDisplayRecords": int(total)} if all(
                isinstance(row, dict) for row in rows
            ):
                return rows, total
        raise schema_changed(answer.url, "no rows and their count", page)

    def _file(self, row: dict[str, Any]) -> RemoteFile:
        name = field(row, "fname", self._url)
        size = row.get("size")
        if type(size) is not int or size < 0:
            raise schema_changed(self._url, "a row without a size in bytes", row)
        return RemoteFile(
            name=name,
            link=self._path(name),
            size=size,
            modified_at=israel_time(field(row, "ftime", self._url), WRITTEN, self._url),
        )

    def _path(self, name: str) -> str:
        """Return where a file is, also one that the other door listed."""
        return f"/file/d{self._feed.folder.rstrip('/')}/{quote(name)}"

    def _current_login(self) -> Login:
        with self._signing_in:
            if self._refused:  # asking again for every file would look like a siege
                raise PortalError(Code.AUTH_FAILED, self._refused)
            if self._login is None:
                self._login = self._client.patiently(self._sign_in)
            return self._login

    def _renewed(self, stale: Login) -> Login:
        """Return a newer login than `stale`; of several threads only the first logs in."""
        with self._signing_in:
            if self._login is stale:
                stale.session.close()
                self._login = None
        return self._current_login()

    def _sign_in(self) -> Login:
        session = self._client.new_session()
        token = _token(self._client.ask(f"{self._url}/login", session=session))
        account = {"username": self._feed.account, "password": self._feed.password}
        answer = self._client.ask(
            f"{self._url}/login/user",
            form={"r": "", **account, "Submit": "Sign in", "csrftoken": token},
            session=session,
        )
        if _login_page(answer):  # also a refused login is a 200
            self._refused = f"user {self._feed.account!r} is not let in"
            raise PortalError(Code.AUTH_FAILED, self._refused)
        return Login(session=session, cookies=session.cookies.copy())

    def _page(self, path: str, session: requests.Session) -> Answer:
        return self._client.ask(f"{self._url}{path}", session=session, meaning=_login_page)


def _login_page(answer: Answer) -> Code | None:
    """Without a live session every address answers 200 with the login page, at times after a redirect."""
    at_login = urlsplit(answer.url).path.endswith("/login")
    return Code.SESSION_EXPIRED if at_login or is_login_form(answer.body) else None


def _token(page: Answer) -> str:
    token = TOKEN.search(page.body)
    if token is None:
        raise schema_changed(page.url, "a page without its csrftoken")
    return token[1].decode("ascii", "replace")


def _question(folder: str, token: str, start: int) -> dict[str, str]:
    """Return the form of a DataTables 1.9 request, by name so that pages do not overlap."""
    columns = ("fname", "typeLabel", "size", "ftime", "")
    return {
        "sEcho": "1",
        "iColumns": str(len(columns)),
        "sColumns": "," * (len(columns) - 1),
        "iDisplayStart": str(start),
        "iDisplayLength": str(PAGE_ROWS),
        **{f"mDataProp_{at}": column for at, column in enumerate(columns)},
        "sSearch": "",
        "iSortingCols": "1",
        "iSortCol_0": "0",
        "sSortDir_0": "asc",
        "cd": folder,
        "csrftoken": token,
    }
