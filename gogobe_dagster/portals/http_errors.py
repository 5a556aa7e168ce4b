"""Which code an HTTP failure has: exceptions of requests and urllib3, and responses that are refusals.

Nothing else knows those exceptions. What follows from a code stands at the code (`gogobe_dagster.errors`).
"""

import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import requests
import urllib3.exceptions as urllib3

from gogobe_dagster import clock
from gogobe_dagster.errors import Code, CodedError, DownloadError, PortalError, Trait
from gogobe_dagster.portals.pace import TooSlow
from gogobe_dagster.portals.reach import ForbiddenHost
from gogobe_dagster.portals.response_detection import is_bot_challenge

OK, NOT_FOUND, GONE, FORBIDDEN = 200, 404, 410, 403
REFUSALS = {429: Code.RATE_LIMITED, 503: Code.PORTAL_UNAVAILABLE}
TRANSPORT_ERRORS = (requests.RequestException, urllib3.HTTPError, OSError)
# The first row whose exception occurs anywhere in the chain of causes decides.
CODES: tuple[tuple[type[Exception], Code, str], ...] = (
    (ForbiddenHost, Code.FOREIGN_HOST, "the request was not sent"),
    (TooSlow, Code.TOO_SLOW, "sent too slowly"),
    (urllib3.NameResolutionError, Code.DNS_DEAD, "the host name does not resolve"),
    (urllib3.SSLError, Code.TLS_ERROR, "no TLS connection"),
    (urllib3.NewConnectionError, Code.NO_CONNECTION, "no connection"),
    (urllib3.ConnectTimeoutError, Code.NO_CONNECTION, "no connection in time"),
    (urllib3.ProxyError, Code.NO_CONNECTION, "no connection through the proxy"),
    (http.client.IncompleteRead, Code.TRUNCATED_DOWNLOAD, "ended before its Content-Length"),
    (urllib3.ReadTimeoutError, Code.CONNECTION_LOST, "nothing received for too long"),
    (urllib3.ProtocolError, Code.CONNECTION_LOST, "the connection broke"),
    (urllib3.DecodeError, Code.HTTP_ERROR, "the response cannot be decoded"),
    (requests.RequestException, Code.HTTP_ERROR, "no usable response"),
    (Exception, Code.CONNECTION_LOST, "the connection broke"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A response: the whole body of a page, or the start of a file."""

    url: str
    """Where redirects ended."""
    status: int
    headers: Mapping[str, str]
    body: bytes


Classifier = Callable[[HttpResponse], Code | None]
"""The code that a response has at this portal in particular; None if it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a response is not what was requested."""

    code: Code
    reason: str
    retry_after: timedelta | None = None
    """For how long the portal asks to be left alone, if it says so."""


def find_refusal(response: HttpResponse, classify: Classifier | None) -> Refusal | None:
    """Return why the response is not what was requested; None if it is."""
    if found := _refusal_code(response, classify):
        return Refusal(code=found[0], reason=found[1], retry_after=retry_after(response.headers))
    return None


def _refusal_code(response: HttpResponse, classify: Classifier | None) -> tuple[Code, str] | None:
    if is_bot_challenge(response.status, response.headers, response.body):
        return Code.BOT_CHALLENGE, f"a bot challenge with status {response.status}"
    if classify and (code := classify(response)):
        return code, f"status {response.status} at {without_query(response.url)}"
    if response.status in {NOT_FOUND, GONE}:
        return Code.NOT_FOUND, f"status {response.status}"
    if response.status != OK:
        return REFUSALS.get(response.status, Code.HTTP_ERROR), f"status {response.status}"
    return None


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return what `Retry-After` says: seconds, or a date (RFC 9110); None if it is missing or unreadable.

    A date is compared with the portal's own `Date`: its clock need not agree with ours.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return timedelta(seconds=min(int(text), timedelta.max.days))
    at = _http_date(text)
    if at is None:
        return None
    return max(timedelta(), at - (_http_date(headers.get("Date", "")) or clock.now()))


def _http_date(text: str) -> datetime | None:
    with suppress(ValueError):
        at = parsedate_to_datetime(text)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return None


def classify_cloudflare(response: HttpResponse) -> Code | None:
    """Cloudflare answers 403, in any words, to callers outside Israel and to suspected programs."""
    return Code.BOT_CHALLENGE if response.status == FORBIDDEN else None


@contextmanager
def page_errors(url: str) -> Iterator[None]:
    """Turn transport errors inside into a `PortalError`: a page or a listing was requested."""
    try:
        yield
    except TRANSPORT_ERRORS as error:
        code, reason = _classify(error)
        # The body of a page is no download: it is simply requested again.
        code = Code.CONNECTION_LOST if code is Code.TRUNCATED_DOWNLOAD else code
        raise PortalError(code, f"{without_query(url)}: {reason}") from error


@contextmanager
def download_errors(url: str) -> Iterator[None]:
    """Turn transport errors inside into what `download_error` returns."""
    try:
        yield
    except TRANSPORT_ERRORS as error:
        raise download_error(url, *_classify(error)) from error


def download_error(url: str, code: Code, reason: str, *, retry_after: timedelta | None = None) -> CodedError:
    """Return a `DownloadError`, or a `PortalError` if the code concerns the whole portal."""
    message = f"{without_query(url)}: {reason}"
    if Trait.WHOLE_PORTAL in code.traits:
        return PortalError(code, message, retry_after=retry_after)
    return DownloadError(code, message)


def was_reset(error: CodedError) -> bool:
    """Whether the other side reset the connection, as some portals do to callers outside Israel."""
    return any(isinstance(cause, ConnectionResetError) for cause in _causes(error))


def was_refused(error: CodedError) -> bool:
    """Whether nothing listens at the address, or the proxy gives no connection to it."""
    return any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error))


def without_query(url: str) -> str:
    """Return a URL without its query: signatures and tokens do not belong in logs."""
    return url.partition("?")[0]


def _classify(error: Exception) -> tuple[Code, str]:
    causes = list(_causes(error))
    for kind, code, reason in CODES:
        if any(isinstance(cause, kind) for cause in causes):
            return code, f"{reason} ({causes[-1]})"
    raise AssertionError  # the last row is Exception


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk down to the root: urllib3 keeps it in `reason` or as an argument, Python in `__cause__`."""
    yield error
    inside = [getattr(error, "reason", None), *error.args, error.__cause__]
    for cause in inside:
        if isinstance(cause, BaseException):
            yield from _causes(cause)
            return
