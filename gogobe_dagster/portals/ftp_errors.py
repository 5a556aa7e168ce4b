"""How FTP goes wrong, in our codes: exceptions of ftplib, of sockets and of TLS.

The one place that knows them, as `failures` is for HTTP. When to try again is the connector's caller's.
"""

import ftplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gogobe_dagster.errors import Code, CodedError, PortalError

NOT_FOUND = "550"
NO_SUCH_COMMAND = ("500", "501", "502", "504")
# Dor Alon's words are `530 Secure connection required`; other servers say TLS or SSL.
DEMANDS_TLS = re.compile(r"secure|encrypt|\bTLS|\bSSL", re.IGNORECASE)


class Unreachable(Exception):
    """No connection was made, of commands or of data; the cause says why."""


class CutShort(Exception):
    """The data ended, and the server did not say that they were whole."""


FTP_ERRORS = (ftplib.Error, OSError, EOFError)
BROKEN = (*FTP_ERRORS, Unreachable, CutShort, UnicodeDecodeError)
# The first row that fits decides.
CODES: tuple[tuple[type[BaseException], Code, str], ...] = (
    (socket.gaierror, Code.DNS_DEAD, "the host name does not resolve"),
    (CutShort, Code.TRUNCATED_DOWNLOAD, "ended without the word that it is whole"),
    (Unreachable, Code.CONNECT_TIMEOUT, "no connection"),
    (ssl.SSLEOFError, Code.CONNECTION_LOST, "the connection broke"),
    (ssl.SSLZeroReturnError, Code.CONNECTION_LOST, "the connection broke"),
    (ssl.SSLError, Code.TLS_ERROR, "no safe connection"),
    (TimeoutError, Code.CONNECTION_LOST, "silent for too long"),
    (UnicodeDecodeError, Code.LISTING_SCHEMA_CHANGED, "not the text that it was"),
    (ftplib.Error, Code.HTTP_ERROR, "no usable answer"),
    (EOFError, Code.CONNECTION_LOST, "the connection was closed"),
    (OSError, Code.CONNECTION_LOST, "the connection broke"),
)


@contextmanager
def ftp_failures(url: str, failure: Callable[[str, Code, str], CodedError]) -> Iterator[None]:
    """Turn what breaks inside into our errors, as `failure` makes them of place, code and words."""
    try:
        yield
    except BROKEN as error:
        raise failure(url, *_in_words(error)) from error


def listing_failure(url: str, code: Code, reason: str) -> CodedError:
    """Return the error of a listing: there, cut short means that the connection was lost."""
    code = Code.CONNECTION_LOST if code is Code.TRUNCATED_DOWNLOAD else code
    return PortalError(code, f"{url}: {reason}")


def demands_tls(refusal: ftplib.Error) -> bool:
    """Whether a login was refused because it was in the clear."""
    return DEMANDS_TLS.search(str(refusal)) is not None


def _in_words(error: Exception) -> tuple[Code, str]:
    cause = error.__cause__ or error
    if isinstance(error, ftplib.error_perm) and str(error).startswith(NOT_FOUND):
        return Code.NOT_FOUND, str(error)
    for kind, code, words in CODES:
        if isinstance(error, kind) or (isinstance(error, Unreachable) and isinstance(cause, kind)):
            return code, f"{words} ({cause})" if str(cause) else words
    raise AssertionError  # every kind of BROKEN has its row
