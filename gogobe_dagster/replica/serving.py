"""Responses that every family gives: a file, an error page, the result of a fault.

Listings and logins are in the family modules.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from gogobe_dagster import clock
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.kinds import FileKind
from gogobe_dagster.replica.state import ReplicaState
from gogobe_dagster.sizes import KILOBYTE, MEGABYTE

TYPES = {
    FileKind.STORES: "stores",
    FileKind.PRICES: "price",
    FileKind.FULL_PRICES: "pricefull",
    FileKind.PROMOTIONS: "promo",
    FileKind.FULL_PROMOTIONS: "promofull",
    None: "",
}
"""Kinds as lists in JSON write them."""
HEBREW_TYPES = {
    FileKind.STORES: "סניפים",
    FileKind.PRICES: "מחירים",
    FileKind.FULL_PRICES: "מחירים מלא",
    FileKind.PROMOTIONS: "מבצעים",
    FileKind.FULL_PROMOTIONS: "מבצעים מלא",
    None: "",
}
"""Kinds as listings for people write them."""
TRANSPORT = "gogobe.transport"
"""Where `server` leaves the connection in the ASGI scope, for faults below HTTP."""
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, on, 0 seconds: close sends RST instead of FIN
POLL_SECONDS = 0.1  # seconds; how soon a slow response notices that the client has gone
CHALLENGE = (
    '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><div id="cf-chl-widget">'
    "Checking your browser before you access this site.</div></body></html>"
)
BLOCKED = (
    "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>"
    "<body><h1>Sorry, you have been blocked</h1></body></html>"
)
MESSAGES = {
    "json_instead_of_file": ("application/json", '{"error": "The service is busy", "status": 500}'),
    "xml_instead_of_file": (
        "application/xml",
        '\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code></Error>',
    ),
    "text_instead_of_file": ("text/plain", "An error has occurred, please try again later"),
}
"""What is sent instead of a file: Azure's error, and two of web services."""
NOTICE = (
    "<!DOCTYPE html><html><head><title>Maintenance</title></head>"
    "<body><h1>The service is being upgraded</h1></body></html>"
)


class FaultResponse(Exception):
    """A fault has decided the response; the endpoint stops."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class TruncatedResponse(Response):
    """Announces the whole body, sends half of it, and closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope[TRANSPORT].close()
        await _until_gone(receive)


def _unavailable_until(seconds: float) -> Response:
    now = clock.now()
    headers = {"Date": _http_date(now), "Retry-After": _http_date(now + timedelta(seconds=seconds))}
    return PlainTextResponse("Service Unavailable", 503, headers)


def _rate_limited(seconds: float) -> Response:
    return PlainTextResponse("Too Many Requests", 429, {"Retry-After": f"{seconds:.0f}"})


REFUSALS: dict[str, Callable[[float], Response]] = {
    "portal_down": lambda _seconds: PlainTextResponse("Service Unavailable", 503),
    "unavailable_until": _unavailable_until,
    "rate_limited": _rate_limited,
    "bot_challenge": lambda _seconds: HTMLResponse(CHALLENGE, 403),
    "bot_wall": lambda _seconds: HTMLResponse("<html><script>window.rbzns={}</script></html>", 247),
    "polite_challenge": lambda _seconds: HTMLResponse(CHALLENGE),
}
"""What any request is answered with; `seconds` is the fault's."""


async def apply_faults(state: ReplicaState, request: Request, feed: Feed | None, file: str = "") -> None:
    """Apply the faults of any request. `file` is the requested name, empty for a page."""
    key = feed.key if feed else None
    if fault := state.faults.take("slow_page", key, file):
        await _pause(request, fault.seconds)
    if fault := state.faults.take("timeout_once", key, file):
        await _pause(request, fault.seconds)
        request.scope[TRANSPORT].close()
        await _gone(request)
    if state.faults.take("connection_reset", key, file):
        _reset(request)
        await _gone(request)
    for fault_name, respond in REFUSALS.items():
        if fault := state.faults.take(fault_name, key, file):
            raise FaultResponse(respond(fault.seconds))


async def apply_listing_faults(state: ReplicaState, request: Request, feed: Feed) -> None:
    """Apply the faults of any listing."""
    await apply_faults(state, request, feed)
    if state.faults.take("html_listing", feed.key):
        raise FaultResponse(HTMLResponse(NOTICE))


def apply_block(state: ReplicaState, feed: Feed) -> None:
    """Refuse a page as Cloudflare refuses callers from outside Israel."""
    if state.faults.take("blocked_page", feed.key):
        raise FaultResponse(HTMLResponse(BLOCKED, 403))


async def send_file(state: ReplicaState, request: Request, feed: Feed, name: str) -> Response:
    """Return the file, the portal's 404, or the result of a fault."""
    await apply_faults(state, request, feed, name)
    if state.faults.take("html_instead_of_file", feed.key, name):
        return HTMLResponse(NOTICE)
    for fault, (media_type, text) in MESSAGES.items():
        if state.faults.take(fault, feed.key, name):
            return Response(text, media_type=media_type)
    publication = state.served(feed, name)
    if publication is None:
        return HTMLResponse("<html><body><h1>404 - File or directory not found.</h1></body></html>", 404)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = TruncatedResponse if state.faults.take("truncated_download", feed.key, name) else Response
    return answer(publication.read(), media_type="application/octet-stream", headers=headers)


async def form_fields(request: Request) -> dict[str, str]:
    """Return the fields of an urlencoded form, empty ones too."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def format_size(size: int) -> str:
    """Format a size as listings do: `206 B`, `338.32 KB`, `5.51 MB`."""
    if size < KILOBYTE:
        return f"{size} B"
    return f"{size / KILOBYTE:.2f} KB" if size < MEGABYTE else f"{size / MEGABYTE:.2f} MB"


def portal_path(request: Request, path: str) -> str:
    """Return a path of this portal with the prefix under which it is mounted."""
    return f"{request.scope.get('root_path', '')}{path}"


def portal_url(request: Request, path: str) -> str:
    """Return the absolute URL of a path of this portal, as the client reached it."""
    return f"{request.url.scheme}://{request.url.netloc}{portal_path(request, path)}"


def _http_date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)


async def _pause(request: Request, seconds: float) -> None:
    await request.body()  # otherwise the check for a disconnect would consume it
    waited = 0.0
    while waited < seconds and not await request.is_disconnected():
        step = min(POLL_SECONDS, seconds - waited)
        await asyncio.sleep(step)
        waited += step


def _reset(request: Request) -> None:
    transport = request.scope[TRANSPORT]
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()


async def _gone(request: Request) -> None:
    await _until_gone(request.receive)
    raise FaultResponse(Response())  # the client has gone


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
