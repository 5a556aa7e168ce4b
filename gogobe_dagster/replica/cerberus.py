"""The Cerberus portal: login with a rotating token, JSON list (docs/portals.md, Cerberus).

One application for all accounts; an account is a feed. FTP is `cerberus_ftp`.
"""

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import PurePath
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.feeds.registry import Family, Feed
from gogobe_dagster.replica.family import FamilyPortal
from gogobe_dagster.replica.publication import Publication
from gogobe_dagster.replica.serving import (
    apply_faults,
    apply_listing_faults,
    form_fields,
    portal_path,
    send_file,
)
from gogobe_dagster.replica.state import ReplicaState

COOKIE = "cftpSID"
COLUMNS = {"fname": "name", "size": "size", "ftime": "published_at"}
WRONG_METHOD = "Invalid request method used for this operation."
WRONG_TOKEN = "Invalid or missing security token. Please reload the page and try again."  # noqa: S105
NO_FOLDER = "The directory could not be listed."


@dataclass(slots=True, kw_only=True)
class Session:
    """One client: the token of the last page, and the account that logged in."""

    token: str
    seen_at: datetime
    feed: Feed | None = None


class Cerberus(FamilyPortal):
    """The endpoints, over one dictionary of sessions."""

    family = Family.CERBERUS

    def __init__(self, state: ReplicaState) -> None:
        super().__init__(state)
        self._accounts = {feed.account: feed for feed in state.feeds_of(Family.CERBERUS)}
        self._sessions: dict[str, Session] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the portal's paths."""
        return [
            Route("/", self.home),
            Route("/login", self.login_page),
            Route("/login/user", self.log_in, methods=["POST"]),
            Route("/file", self.file_page),
            Route("/file/json/dir", self.list_folder, methods=["GET", "POST"]),
            Route("/file/d/{path:path}", self.download),
        ]

    async def home(self, request: Request) -> Response:
        """Redirect to the list or to the login."""
        return self._to(request, "/file" if self._feed(request) else "/login")

    async def login_page(self, request: Request) -> Response:
        """Show the form, and begin a session."""
        await apply_faults(self._state, request, None)
        return self._login_form(request)

    async def log_in(self, request: Request) -> Response:
        """Check user, password and token; any mistake leads back to the form."""
        fields = await form_fields(request)
        feed = self._accounts.get(fields.get("username", ""))
        await apply_faults(self._state, request, feed)
        session = self._session(request)
        accepted = (
            session is not None
            and feed is not None
            and fields.get("csrftoken") == session.token
            and fields.get("password", "") == feed.password
            and not self._state.faults.take("wrong_password", feed.key)
        )
        if session is None or not accepted:
            return self._to(request, "/login")
        session.feed = feed
        session.token = _token()
        return self._to(request, "/file")

    async def file_page(self, request: Request) -> Response:
        """Show the page with the token for the list; the token before it is no longer valid."""
        feed = self._feed(request)
        await apply_faults(self._state, request, feed)
        session = self._session(request)
        if feed is None or session is None:
            return self._to(request, "/login")
        session.token = _token()
        body = f"<h1>{escape(feed.account)}</h1><table id='fileList'><tbody></tbody></table>"
        return HTMLResponse(_page(session.token, body))

    async def list_folder(self, request: Request) -> Response:
        """Answer a DataTables 1.9 request; errors are 200 with an `error` key."""
        feed = self._feed(request)
        session = self._session(request)
        if request.method != "POST":
            return _error(WRONG_METHOD)
        if feed is None or session is None:
            return self._login_form(request)  # Cerberus answers 200 with its login page
        await apply_listing_faults(self._state, request, feed)
        fields = await form_fields(request)
        if self._state.faults.take("csrf_token_wrong", feed.key) or fields.get("csrftoken") != session.token:
            return _error(WRONG_TOKEN)
        if self._state.faults.take("json_error_200", feed.key):
            return _error(NO_FOLDER)
        return self._folder(feed, fields)

    async def download(self, request: Request) -> Response:
        """Send a file of the account's folder; without a live session, the login page."""
        feed = self._feed(request)
        path = "/" + request.path_params["path"]
        if feed and self._state.faults.take("session_expires", feed.key, PurePath(path).name):
            self._sessions.pop(request.cookies[COOKIE], None)
            feed = None
        if feed is None:
            return self._to(request, "/login")
        name = path.removeprefix(f"{feed.folder.rstrip('/')}/")
        return await send_file(self._state, request, feed, name)

    def _folder(self, feed: Feed, fields: dict[str, str]) -> Response:
        folder = "/" + fields.get("cd", "/").strip("/")
        home = "/" + feed.folder.strip("/")
        if folder not in {"/", home}:
            return _error(NO_FOLDER)
        everything = self._state.listed(feed)
        rows = (
            [_file_row(publication) for publication in _sorted(everything, fields)]
            if folder == home
            else [_folder_row(home)]
        )
        found = [row for row in rows if fields.get("sSearch", "").casefold() in row["fname"].casefold()]
        page = self._page_of(feed, found, fields)
        answer = {"iTotalRecords": len(rows), "iTotalDisplayRecords": len(found), "aaData": page}
        return JSONResponse({"sEcho": _number(fields, "sEcho", 0), **answer})

    def _page_of(
        self, feed: Feed, rows: list[dict[str, Any]], fields: dict[str, str]
    ) -> list[dict[str, Any]]:
        start = max(0, _number(fields, "iDisplayStart", 0))
        length = _number(fields, "iDisplayLength", 100)
        half = max(1, len(rows) // 2)
        if self._state.faults.take("listing_truncated", feed.key):
            length = half if length < 0 else min(length, half)
        if self._state.faults.take("listing_never_complete", feed.key):
            rows = rows[:half]
        page = rows[start:] if length < 0 else rows[start : start + length]
        return [{"DT_RowId": f"f{number}", **row} for number, row in enumerate(page, start + 1)]

    def _login_form(self, request: Request) -> Response:
        session_id = request.cookies.get(COOKIE, "")
        if session_id not in self._sessions:
            session_id = secrets.token_hex(16)
        token = _token()
        self._sessions[session_id] = Session(token=token, seen_at=self._state.clock())
        response = HTMLResponse(_page(token, _LOGIN_FORM.format(action=portal_path(request, "/login/user"))))
        response.set_cookie(COOKIE, session_id, path=portal_path(request, "/"), httponly=True)
        return response

    def _session(self, request: Request) -> Session | None:
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        if session is None:
            return None
        now = self._state.clock()
        if (now - session.seen_at).total_seconds() > self._state.session_seconds:
            del self._sessions[request.cookies[COOKIE]]
            return None
        session.seen_at = now
        return session

    def _feed(self, request: Request) -> Feed | None:
        session = self._session(request)
        return session.feed if session else None

    def _to(self, request: Request, path: str) -> Response:
        return RedirectResponse(portal_path(request, path), 302)


def _file_row(publication: Publication) -> dict[str, Any]:
    written = publication.published_at
    suffix = PurePath(publication.name).suffix.removeprefix(".").upper()
    return {
        "fname": publication.name,
        "name": publication.name,
        "type": "file",
        "typeLabel": f"{suffix} file".strip(),
        "size": publication.size,
        "ftime": written.astimezone(ISRAEL).strftime("%m/%d/%Y %H:%M"),
        "time": written.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _folder_row(folder: str) -> dict[str, Any]:
    name = folder.strip("/")
    return {
        "fname": name,
        "name": name,
        "type": "folder",
        "typeLabel": "Folder",
        "size": 0,
        "ftime": "",
        "time": "",
    }


def _sorted(publications: list[Publication], fields: dict[str, str]) -> list[Publication]:
    column = COLUMNS.get(fields.get(f"mDataProp_{fields.get('iSortCol_0', '0')}", ""), "name")
    descending = fields.get("sSortDir_0", "asc") == "desc"
    return sorted(
        publications,
        key=lambda publication: (getattr(publication, column), publication.name),
        reverse=descending,
    )


def _number(fields: dict[str, str], field: str, default: int) -> int:
    text = fields.get(field, "")
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) else default


def _error(text: str) -> Response:
    return Response(json.dumps({"aaData": [], "error": text}), media_type="application/json")


def _token() -> str:
    return secrets.token_urlsafe(32)


def _page(token: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8" />\n'
        f'<meta name="csrftoken" content="{token}"/>\n<title>Cerberus Web Client</title>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )


_LOGIN_FORM = """<form id="login-form" action="{action}" method="post">
<input type="hidden" name="r" id="r" value="" />
<input type="text" name="username" id="username" maxlength="255" required value="" />
<input type="password" name="password" id="password" maxlength="255" />
<button type="submit" id="login-button" name="Submit" value="Sign in">Sign in</button>
</form>"""
