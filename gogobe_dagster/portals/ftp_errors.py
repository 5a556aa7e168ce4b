"""Which code an FTP failure has: exceptions of ftplib, of sockets and of TLS.

Nothing else knows those exceptions, as `http_errors` does for HTTP.
"""

import ftplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gogobe_dagster.errors import Code, CodedError, PortalError
from gogobe_dagster.portals.pace import TooSlow
from gogobe_dagster.portals.reach import ForbiddenHost

NOT_FOUND, UNAVAILABLE = "550", "421"
UNKNOWN_COMMAND = ("500", "501", "502", "504")
# Dor Alon answers `530 Secure connection required`; other servers say TLS or SSL.
TLS_REQUIRED = re.compile(r"secure|encrypt|\bTLS|\bSSL", re.IGNORECASE)


class Unreachable(Exception):
    """No connection for commands or data could be opened; the cause says why."""


class EndlessReply(ftplib.Error):
    """A reply has more lines than any server sends."""


class IncompleteTransfer(Exception):
    """The data ended, and the server did not confirm that they are complete."""


FTP_ERRORS = (ftplib.Error, OSError, EOFError)
TRANSPORT_ERRORS = (*FTP_ERRORS, Unreachable, IncompleteTransfer, UnicodeDecodeError)
# The first row that fits decides.
CODES: tuple[tuple[type[BaseException], Code, str], ...] = (
    (ForbiddenHost, Code.FOREIGN_HOST, "no connection was opened"),
    (TooSlow, Code.TOO_SLOW, "sent too slowly"),
    (socket.gaierror, Code.DNS_DEAD, "the host name does not resolve"),
    (IncompleteTransfer, Code.TRUNCATED_DOWNLOAD, "ended without confirmation"),
    (Unreachable, Code.NO_CONNECTION, "no connection"),
    (ssl.SSLEOFError, Code.CONNECTION_LOST, "the connection broke"),
    (ssl.SSLZeroReturnError, Code.CONNECTION_LOST, "the connection broke"),
    (ssl.SSLError, Code.TLS_ERROR, "no TLS connection"),
    (TimeoutError, Code.CONNECTION_LOST, "nothing received for too long"),
    (UnicodeDecodeError, Code.LISTING_SCHEMA_CHANGED, "the listing is not UTF-8"),
    (ftplib.Error, Code.HTTP_ERROR, "no usable reply"),
    (EOFError, Code.CONNECTION_LOST, "the connection was closed"),
    (OSError, Code.CONNECTION_LOST, "the connection broke"),
)


@contextmanager
def ftp_errors(url: str, make_error: Callable[[str, Code, str], CodedError]) -> Iterator[None]:
    """Turn transport errors inside into what `make_error` returns for URL, code and reason."""
    try:
        yield
    except TRANSPORT_ERRORS as error:
        raise make_error(url, *_classify(error)) from error


def listing_error(url: str, code: Code, reason: str) -> CodedError:
    """Return the error for a listing; a listing cut short means that the connection was lost."""
    code = Code.CONNECTION_LOST if code is Code.TRUNCATED_DOWNLOAD else code
    return PortalError(code, f"{url}: {reason}")


def requires_tls(refusal: ftplib.Error) -> bool:
    """Whether a login was refused because it was not encrypted."""
    return TLS_REQUIRED.search(str(refusal)) is not None


def _classify(error: Exception) -> tuple[Code, str]:
    cause = error.__cause__ or error
    if isinstance(error, ftplib.error_perm) and str(error).startswith(NOT_FOUND):
        return Code.NOT_FOUND, str(error)
    if isinstance(error, ftplib.error_temp) and str(error).startswith(UNAVAILABLE):
        return Code.PORTAL_UNAVAILABLE, str(error)  # among others "too many connections"
    for kind, code, reason in CODES:
        if isinstance(error, kind) or (isinstance(error, Unreachable) and isinstance(cause, kind)):
            return code, f"{reason} ({cause})" if str(cause) else reason
    raise AssertionError  # every kind of TRANSPORT_ERRORS has its row
