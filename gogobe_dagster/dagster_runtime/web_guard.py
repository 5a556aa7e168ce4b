"""Refuses requests to the web UI that a foreign web page or a stranger sends.

Dagster's web server answers anybody who reaches its port. Every web page that a browser on this machine opens
can send it requests: across origins (CSRF), or under a host name that the page's owner points at 127.0.0.1
(DNS rebinding). Programs that are no browsers send neither Origin nor Sec-Fetch headers, and pass.
"""

import base64
import binascii
import secrets
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OWN_PAGES = frozenset({"same-origin", "none"})
"""Sec-Fetch-Site of requests by pages of the web UI, and of addresses that a person typed."""
PAGE_LOAD = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
HEALTH = "/server_info"
"""Answers without the password: it says only which versions run."""
GRAPHQL = "graphql"
POLICY_VIOLATION = 1008


class WebGuard:
    """An ASGI application in front of another one."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] = (), password: str = "") -> None:
        """Allow `hosts` beside this machine's own names; without a password nobody is asked for one."""
        self._app = app
        self._extra = frozenset(host.lower() for host in hosts)
        self._password = password.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with the refusal."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif refusal := self._refuse(scope):
            await _answer(refusal, scope, receive, send)
        else:
            await self._app(scope, receive, _without_frames(send))

    def _refuse(self, scope: Scope) -> Response | None:
        """Return the refusal, None for a request that may pass."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_our_host(hosts[0]):
            return _refusal("this host name is not allowed: name it in GOGOBE_WEB_HOSTS")
        if self._is_foreign(scope, headers, hosts[0]):
            return _refusal("a page of another site sent this request")
        if scope["type"] == "http" and scope["path"].rstrip("/").endswith(f"/{GRAPHQL}"):
            if scope["method"] != "POST":
                return _refusal("GraphQL is answered to POST only", HTTPStatus.METHOD_NOT_ALLOWED)
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                return _refusal("GraphQL is read as JSON only", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if not self._knows_password(scope, headers):
            refusal = _refusal("the password is missing or wrong", HTTPStatus.UNAUTHORIZED)
            refusal.headers["WWW-Authenticate"] = 'Basic realm="gogobe", charset="UTF-8"'
            return refusal
        return None

    def _is_our_host(self, host: str) -> bool:
        return _hostname(f"//{host}") in LOOPBACK | self._extra

    def _is_foreign(self, scope: Scope, headers: Headers, host: str) -> bool:
        """Whether a browser says that another site's page sent this. Other ports are other sites."""
        if any(not self._is_our_origin(origin, host) for origin in headers.getlist("origin")):
            return True
        if headers.get("sec-fetch-site", "none") in OWN_PAGES or scope["type"] == "websocket":
            return False
        is_page_load = all(headers.get(name) == value for name, value in PAGE_LOAD.items())
        return not (is_page_load and scope["method"] in {"GET", "HEAD"})

    def _is_our_origin(self, origin: str, host: str) -> bool:
        """Whether it is the origin of the web UI, or of a reverse proxy that sends another host name."""
        scheme, _, address = origin.lower().partition("://")
        if scheme not in {"http", "https"}:
            return False
        return address == host.lower() or _hostname(f"//{address}") in self._extra

    def _knows_password(self, scope: Scope, headers: Headers) -> bool:
        if not self._password or scope["path"] == HEALTH:
            return True
        method, _, credentials = headers.get("authorization", "").partition(" ")
        try:
            _, _, password = base64.b64decode(credentials).partition(b":")
        except binascii.Error:
            return False
        return method.lower() == "basic" and secrets.compare_digest(password, self._password)


def _hostname(address: str) -> str:
    """Return the host of `//host:port` in lower case; "" where there is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _refusal(reason: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> Response:
    return PlainTextResponse(f"{reason}\n", status_code=status)


async def _answer(refusal: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await refusal(scope, receive, send)
    else:  # closed before it is accepted: the browser gets status 403
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})


def _without_frames(send: Send) -> Send:
    """Forbid other sites to show the web UI in a frame, where people would click on what they do not see."""

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["X-Frame-Options"] = "SAMEORIGIN"
        await send(message)

    return send_with_header
