"""Cerberus over the web: login, rotating token, JSON list (docs/portals.md, Cerberus).

One connector is one account. The same account over FTP is `cerberus_ftp`.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.connector import ConnectorOptions
from gogobe_dagster.portals.http_errors import HttpResponse
from gogobe_dagster.portals.listing_fields import (
    parse_israel_time,
    parse_json,
    schema_changed,
    size_field,
    text_field,
)
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.response_detection import is_login_form
from gogobe_dagster.portals.session_connector import PortalSession, SessionConnector

TOKEN = re.compile(rb"""<meta\s+name="csrftoken"\s+content="([^"]+)""", re.IGNORECASE)
TIME_FORMAT = "%m/%d/%Y %H:%M"
PAGE_ROWS = 100_000  # what the portal's own page requests: `dtDisplayLength`, recorded August 2025
PAGING_ATTEMPTS = 3


class Cerberus(SessionConnector):
    """One account."""

    pages_until_listing = 4

    def __init__(self, options: ConnectorOptions) -> None:
        super().__init__(options)
        self._refusal = ""

    def _list_current(self) -> Iterator[RemoteFile]:
        session = self._current_session()
        try:
            return self._list_folder(session)
        except PortalError as error:
            if error.code not in {Code.SESSION_EXPIRED, Code.CSRF_REJECTED}:
                raise
        return self._list_folder(self._renewed_session(session))

    def _list_folder(self, session: PortalSession) -> Iterator[RemoteFile]:
        url = f"{self._url}/file"
        token = _token(self._client.request(url, session=session.pages, classify=_classify_login_page))
        rows = self._read_rows(session, token)
        return (self._parse_row(row) for row in rows if row.get("type") != "folder")

    def _read_rows(self, session: PortalSession, token: str) -> list[dict[str, Any]]:
        """Read pages until the portal's own count is reached; start again if the count changes."""
        for _ in range(PAGING_ATTEMPTS):
            rows, total = self._read_page(session, token, 0)
            count = total
            while rows and len(rows) < total == count:
                more, count = self._read_page(session, token, len(rows))
                if not more:
                    break
                rows += more
            if len({str(row.get("fname")) for row in rows}) == len(rows) == total == count:
                return rows
        raise PortalError(
            Code.LISTING_TRUNCATED, f"{len(rows)} rows of {total} after {PAGING_ATTEMPTS} tries"
        )

    def _read_page(self, session: PortalSession, token: str, start: int) -> tuple[list[dict[str, Any]], int]:
        """Return one page of rows, and how many rows there are in all."""
        response = self._client.request(
            f"{self._url}/file/json/dir",
            form=_listing_form(self._feed.folder, token, start),
            headers={"X-Requested-With": "XMLHttpRequest"},
            session=session.pages,
            classify=_classify_login_page,
        )
        page = parse_json(response)
        if isinstance(page, dict) and page.get("error"):  # with status 200 and an empty list
            raise PortalError(Code.CSRF_REJECTED, f"the portal refuses the list: {page['error']}")
        match page:
            case {"aaData": [*rows], "iTotalDisplayRecords": int(total)} if all(
                isinstance(row, dict) for row in rows
            ):
                return rows, total
        raise schema_changed(response.url, "no rows and their count", page)

    def _parse_row(self, row: dict[str, Any]) -> RemoteFile:
        name = text_field(row, "fname", self._url)
        return RemoteFile(
            name=name,
            link=self._path(name),
            size=size_field(row, "size", self._url),
            modified_at=parse_israel_time(text_field(row, "ftime", self._url), TIME_FORMAT, self._url),
        )

    def _path(self, name: str) -> str:
        return f"/file/d{self._feed.folder.rstrip('/')}/{quote(name)}"

    def _download_in(self, session: PortalSession, file: RemoteFile) -> Iterator[bytes]:
        # By name, not by link: FTP may have listed the file.
        path = self._path(file.name)
        return self._download(path, file, cookies=session.cookies, classify=_classify_login_page)

    def _open_session(self) -> PortalSession:
        if self._refusal:  # trying again for every file would look like an attack
            raise PortalError(Code.AUTH_FAILED, self._refusal)
        return self._client.with_retries(self._log_in)

    def _log_in(self) -> PortalSession:
        session = self._client.new_session()
        token = _token(self._client.request(f"{self._url}/login", session=session, retry=False))
        if _classify_login_page(self._post_login(session, token)):  # a refused login is a 200, too
            self._refusal = f"user {self._feed.account!r} is not let in"
            raise PortalError(Code.AUTH_FAILED, self._refusal)
        return PortalSession(pages=session, cookies=session.cookies.copy())

    def _post_login(self, session: requests.Session, token: str) -> HttpResponse:
        account = {"username": self._feed.account, "password": self._feed.password}
        return self._client.request(
            f"{self._url}/login/user",
            form={"r": "", **account, "Submit": "Sign in", "csrftoken": token},
            session=session,
            retry=False,
        )


def _classify_login_page(response: HttpResponse) -> Code | None:
    """Without a session every address answers 200 with the login page, at times after a redirect."""
    at_login = urlsplit(response.url).path.endswith("/login")
    return Code.SESSION_EXPIRED if at_login or is_login_form(response.body) else None


def _token(page: HttpResponse) -> str:
    token = TOKEN.search(page.body)
    if token is None:
        raise schema_changed(page.url, "a page without its csrftoken")
    return token[1].decode("ascii", "replace")


def _listing_form(folder: str, token: str, start: int) -> dict[str, str]:
    """Return the form of a DataTables 1.9 request, sorted by name so that pages do not overlap."""
    columns = ("fname", "typeLabel", "size", "ftime", "")
    return {
        "sEcho": "1",
        "iColumns": str(len(columns)),
        "sColumns": "," * (len(columns) - 1),
        "iDisplayStart": str(start),
        "iDisplayLength": str(PAGE_ROWS),
        **{f"mDataProp_{index}": column for index, column in enumerate(columns)},
        "sSearch": "",
        "iSortingCols": "1",
        "iSortCol_0": "0",
        "sSortDir_0": "asc",
        "cd": folder,
        "csrftoken": token,
    }
