"""The only FTP client: a few connections per account, plain or with TLS.

Data connections are passive and always go to the host of the commands, because the address in the server's
reply is one of its own network (docs/portals.md, Cerberus over FTP). Parsing a listing is the connector's
part.
"""

import ftplib
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from time import monotonic

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.portals.download_stream import CHUNK
from gogobe_dagster.portals.ftp_errors import (
    FTP_ERRORS,
    CutShort,
    Unreachable,
    demands_tls,
    ftp_failures,
    listing_failure,
)
from gogobe_dagster.portals.http import Manners

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpPlace:
    """Where an FTP server is."""

    host: str
    port: int
    authority: str = ""
    """PEM of an authority that it signs with, beside those that everybody trusts."""

    @property
    def url(self) -> str:
        """For messages."""
        return f"ftp://{self.host}:{self.port}"


class Line(ftplib.FTP_TLS):
    """One connection for commands."""

    def __init__(self, place: FtpPlace, manners: Manners) -> None:
        """Connect and read the greeting. Raises as ftplib does, and `Unreachable`."""
        super().__init__(context=manners.way.tls(place.authority), timeout=manners.connect, encoding="utf-8")
        self._manners = manners
        self._has_safe_data = False
        self.host, self.port = place.host, place.port
        self.sock = self._dial(place.port)
        self.sock.settimeout(min(manners.connect, manners.listing))
        self.af = self.sock.family
        self.file = self.sock.makefile("r", encoding=self.encoding)
        try:
            self.welcome = self.getresp()
        except BaseException:
            self.close()
            raise

    def secure(self) -> None:
        """Go on with TLS, for data too where the server agrees. Raises `ssl.SSLError`."""
        self.auth()
        with suppress(ftplib.error_perm):  # some protect only the commands
            self.prot_p()
            self._has_safe_data = True

    def receive(self, command: str, *, kind: str, silence: float) -> Iterator[bytes]:
        """Yield what a command sends, as it comes. `kind` is the TYPE: A of a listing, I of a file."""
        self.sock.settimeout(silence)  # type: ignore[union-attr]  # connected since __init__
        self.voidcmd(f"TYPE {kind}")
        until = monotonic() + self._manners.whole
        with closing(self._data(command, silence)) as data:
            while piece := data.recv(CHUNK):
                if monotonic() > until:
                    raise TimeoutError(f"not whole after {self._manners.whole:g} seconds")
                yield piece
        self.sock.settimeout(min(self._manners.connect, silence))  # type: ignore[union-attr]
        try:
            self.voidresp()
        except FTP_ERRORS as error:
            raise CutShort(str(error) or "the connection was closed") from error

    def _data(self, command: str, silence: float) -> socket.socket:
        _, port = self.makepasv()
        sock = self._dial(port)
        try:
            sock.settimeout(silence)
            self.sendcmd(command)
            return self.context.wrap_socket(sock, server_hostname=self.host) if self._has_safe_data else sock
        except BaseException:
            sock.close()
            raise

    def _dial(self, port: int) -> socket.socket:
        try:
            return self._manners.way.dial(self.host, port, seconds=self._manners.connect)
        except OSError as error:
            raise Unreachable(f"{self.host}:{port}") from error


class FtpClient:
    """One account on one server. Thread-safe: each line is one thread's at a time."""

    def __init__(self, feed: Feed, *, find: Callable[[], FtpPlace], manners: Manners) -> None:
        """Open nothing yet; `find` says where the server is, when it is first needed."""
        self._feed = feed
        self._find = find
        self._manners = manners
        self._place: FtpPlace | None = None
        self._signing_in = Lock()
        self._lines = BoundedSemaphore(manners.parallel)
        self._idle: deque[Line] = deque()
        self._with_tls = feed.needs_tls
        self._refused = ""

    @property
    def url(self) -> str:
        """Where the server is, for messages."""
        return self._place.url if self._place else "ftp"

    @contextmanager
    def line(self) -> Iterator[Line]:
        """Give a line that is logged in; afterwards it is kept, unless something went wrong on it."""
        with self._lines:
            line = self._idle_line() or self._sign_in()
            try:
                yield line
            except BaseException:
                line.close()
                raise
            self._idle.append(line)

    def close(self) -> None:
        """Give back sockets. Idempotent."""
        while self._idle:
            self._idle.pop().close()

    def _idle_line(self) -> Line | None:
        """Return a line that still answers; servers hang up on those that wait too long."""
        while self._idle:
            with suppress(IndexError):  # another thread was faster
                line = self._idle.pop()
                try:
                    line.voidcmd("NOOP")
                except FTP_ERRORS:
                    line.close()
                else:
                    return line
        return None

    def _sign_in(self) -> Line:
        with self._signing_in:
            if self._refused:  # asking again for every file would look like a siege
                raise PortalError(Code.AUTH_FAILED, self._refused)
            self._place = self._place or self._find()
            if not self._with_tls:
                try:
                    return self._logged_in(self._place)
                except _TlsDemanded as demand:
                    LOG.info("%s: %s lets nobody in without TLS (%s)", self._feed.key, self.url, demand)
                    self._with_tls = True
            return self._logged_in(self._place)

    def _logged_in(self, place: FtpPlace) -> Line:
        with ftp_failures(place.url, listing_failure):  # who is not let in gets no file at all
            line = Line(place, self._manners)
            try:
                if self._with_tls:
                    _secured(line)
                line.login(self._feed.account, self._feed.password, secure=False)
            except ftplib.error_perm as refusal:
                line.close()
                raise self._meaning(refusal) from None
            except BaseException:
                line.close()
                raise
            return line

    def _meaning(self, refusal: ftplib.error_perm) -> Exception:
        if demands_tls(refusal) and not self._with_tls:
            return _TlsDemanded(str(refusal))
        self._refused = f"user {self._feed.account!r} is not let in ({refusal})"
        return PortalError(Code.AUTH_FAILED, self._refused)


class _TlsDemanded(Exception):
    pass


def _secured(line: Line) -> None:
    try:
        line.secure()
    except ftplib.error_perm as refusal:
        raise ssl.SSLError(f"the server has no TLS: {refusal}") from refusal
