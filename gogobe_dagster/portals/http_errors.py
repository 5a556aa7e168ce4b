"""How a request went wrong, in our codes: exceptions of requests and urllib3, and answers that refuse.

The one place that knows those exceptions. When to try again is `http`, what to renew is the connector's.
"""

import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import requests
import urllib3.exceptions as urllib3

from gogobe_dagster.errors import Code, CodedError, DownloadError, PortalError, Trait
from gogobe_dagster.portals.response_detection import is_challenge

OK, NOT_FOUND, GONE = 200, 404, 410
BROKEN = (requests.RequestException, urllib3.HTTPError, OSError)
# The first row that is found anywhere in the chain of causes decides.
CODES: tuple[tuple[type[Exception], Code, str], ...] = (
    (urllib3.NameResolutionError, Code.DNS_DEAD, "the host name does not resolve"),
    (urllib3.SSLError, Code.TLS_ERROR, "no safe connection"),
    (urllib3.NewConnectionError, Code.CONNECT_TIMEOUT, "no connection"),
    (urllib3.ConnectTimeoutError, Code.CONNECT_TIMEOUT, "no connection in time"),
    (urllib3.ProxyError, Code.CONNECT_TIMEOUT, "no connection through the proxy"),
    (http.client.IncompleteRead, Code.TRUNCATED_DOWNLOAD, "ended before its Content-Length"),
    (urllib3.ReadTimeoutError, Code.CONNECTION_LOST, "silent for too long"),
    (urllib3.ProtocolError, Code.CONNECTION_LOST, "the connection broke"),
    (urllib3.DecodeError, Code.HTTP_ERROR, "cannot be decoded"),
    (requests.RequestException, Code.HTTP_ERROR, "no usable answer"),
    (Exception, Code.CONNECTION_LOST, "the connection broke"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the whole body of a page, or the start of a file's."""

    url: str
    """Where redirects ended."""
    status: int
    headers: Mapping[str, str]
    body: bytes


Meaning = Callable[[Answer], Code | None]
"""What an answer means on this portal beyond HTTP; None where it means nothing special."""


def no_special_meaning(_answer: Answer) -> Code | None:
    """Leave every answer to HTTP."""
    return None


def refusal(answer: Answer, meaning: Meaning) -> tuple[Code, str] | None:
    """Say why an answer is not what was asked for; None when it may be."""
    if is_challenge(answer.status, answer.headers, answer.body):
        return Code.BOT_CHALLENGE, f"a bot challenge with status {answer.status}"
    if code := meaning(answer):
        return code, f"status {answer.status} at {place(answer.url)}"
    if answer.status in {NOT_FOUND, GONE}:
        return Code.NOT_FOUND, f"status {answer.status}"
    if answer.status != OK:
        return Code.HTTP_ERROR, f"status {answer.status}"
    return None


@contextmanager
def page_failures(url: str) -> Iterator[None]:
    """Turn what breaks inside into a `PortalError`: a page or a list was asked for."""
    try:
        yield
    except BROKEN as error:
        code, words = _in_words(error)
        code = Code.CONNECTION_LOST if code is Code.TRUNCATED_DOWNLOAD else code
        raise PortalError(code, f"{place(url)}: {words}") from error


@contextmanager
def file_failures(url: str) -> Iterator[None]:
    """Turn what breaks inside into a `DownloadError`, or a `PortalError` where the portal is gone."""
    try:
        yield
    except BROKEN as error:
        raise file_failure(url, *_in_words(error)) from error


def file_failure(url: str, code: Code, reason: str) -> CodedError:
    """Return the error for one file, or for the portal when the code speaks of the portal."""
    kind = PortalError if Trait.WHOLE_PORTAL in code.traits else DownloadError
    return kind(code, f"{place(url)}: {reason}")


def was_reset(error: CodedError) -> bool:
    """Whether the other side broke the connection off: some portals do so to callers outside Israel."""
    return any(isinstance(cause, ConnectionResetError) for cause in _causes(error))


def place(url: str) -> str:
    """Return a URL without its query: signatures and tokens do not belong in logs."""
    return url.partition("?")[0]


def _in_words(error: Exception) -> tuple[Code, str]:
    causes = list(_causes(error))
    for kind, code, words in CODES:
        if any(isinstance(cause, kind) for cause in causes):
            return code, f"{words} ({causes[-1]})"
    raise AssertionError  # the last row is Exception


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk down to the root: urllib3 keeps it in `reason` or as an argument, Python in `__cause__`."""
    yield error
    inside = [getattr(error, "reason", None), *error.args, error.__cause__]
    for cause in inside:
        if isinstance(cause, BaseException):
            yield from _causes(cause)
            return
