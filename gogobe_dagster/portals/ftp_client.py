"""The only FTP client: a few connections per account, plain or with TLS.

Data connections are passive and always go to the host of the commands, because the address in the server's
reply is one of its own network (docs/portals.md, Cerberus over FTP). Parsing a listing is the connector's
part.
"""

import ftplib
import io
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.portals.download_stream import CHUNK_BYTES
from gogobe_dagster.portals.ftp_errors import (
    FTP_ERRORS,
    EndlessReply,
    IncompleteTransfer,
    Unreachable,
    ftp_errors,
    listing_error,
    requires_tls,
)
from gogobe_dagster.portals.pace import Pace, PacedReader
from gogobe_dagster.portals.request_policy import RequestPolicy

LOG = logging.getLogger(__name__)
MAX_REPLY_LINES = 1000
"""A greeting of a page is usual; a reply is kept whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpAddress:
    """Where an FTP server is."""

    host: str
    port: int
    authority: str = ""
    """PEM of an authority that signs for this server, trusted in addition to the usual ones."""
    is_configured: bool = False
    """Whether a setting names it, so that it may have a private address."""

    @property
    def url(self) -> str:
        """For messages."""
        return f"ftp://{self.host}:{self.port}"


class FtpConnection(ftplib.FTP_TLS):
    """One connection for commands."""

    def __init__(self, address: FtpAddress, policy: RequestPolicy) -> None:
        """Connect and read the greeting. Raises as ftplib does, and `Unreachable`."""
        super().__init__(
            context=policy.network.tls_context(address.authority),
            timeout=policy.connect_timeout,
            encoding="utf-8",
        )
        self._policy = policy
        self._encrypts_data = False
        self._may_be_private = address.is_configured or policy.network.reach is None
        self._lines = 0
        self.host, self.port = address.host, address.port
        self.sock = self._connect(address.port)
        self.sock.settimeout(min(policy.connect_timeout, policy.listing_timeout))
        self.af = self.sock.family
        self._read_replies()
        try:
            self.welcome = self.getresp()
        except BaseException:
            self.close()
            raise

    def start_tls(self) -> None:
        """Encrypt commands from now on, and data where the server agrees. Raises `ssl.SSLError`."""
        try:
            self.auth()
            self._read_replies()
        except ftplib.error_perm as refusal:
            raise ssl.SSLError(f"the server has no TLS: {refusal}") from refusal
        with suppress(ftplib.error_perm):  # some servers protect only the commands
            self.prot_p()
            self._encrypts_data = True

    def getresp(self) -> str:
        """Read a reply, which has to be complete in time. Raises as ftplib does, and `TooSlow`."""
        self._lines = 0
        self._replies.pace = self._policy.head_pace()
        return super().getresp()

    def getline(self) -> str:
        """Read a line of a reply. Raises `EndlessReply` if the reply has too many."""
        self._lines += 1
        if self._lines > MAX_REPLY_LINES:
            raise EndlessReply(f"a reply of more than {MAX_REPLY_LINES} lines")
        return super().getline()

    def _read_replies(self) -> None:
        """Read the replies of the socket as it is now, encrypted or not."""
        received = self.sock.makefile("rb", buffering=0)  # type: ignore[union-attr]  # it is connected
        self._replies = PacedReader(received, self._policy.head_pace())
        self.file = io.TextIOWrapper(io.BufferedReader(self._replies), encoding=self.encoding)

    def receive(self, command: str, *, kind: str, read_timeout: float, pace: Pace) -> Iterator[bytes]:
        """Yield what a command sends, as it arrives. `kind` is the TYPE: A for a listing, I for a file."""
        self.sock.settimeout(read_timeout)  # type: ignore[union-attr]  # connected since __init__
        self.voidcmd(f"TYPE {kind}")
        with closing(self._open_data(command, read_timeout)) as data:
            while chunk := data.recv(CHUNK_BYTES):
                pace.count(len(chunk))
                yield chunk
        self.sock.settimeout(min(self._policy.connect_timeout, read_timeout))  # type: ignore[union-attr]
        try:
            self.voidresp()
        except FTP_ERRORS as error:
            raise IncompleteTransfer(str(error) or "the connection was closed") from error

    def _open_data(self, command: str, read_timeout: float) -> socket.socket:
        _, port = self.makepasv()
        sock = self._connect(port)
        try:
            sock.settimeout(read_timeout)
            self.sendcmd(command)
            return self.context.wrap_socket(sock, server_hostname=self.host) if self._encrypts_data else sock
        except BaseException:
            sock.close()
            raise

    def _connect(self, port: int) -> socket.socket:
        try:
            return self._policy.network.connect(
                self.host,
                port,
                timeout=self._policy.connect_timeout,
                may_be_private=self._may_be_private,
            )
        except OSError as error:
            raise Unreachable(f"{self.host}:{port}") from error


class FtpClient:
    """One account on one server. Thread-safe: each connection is used by one thread at a time."""

    def __init__(self, feed: Feed, *, locate: Callable[[], FtpAddress], policy: RequestPolicy) -> None:
        """Open no connection yet; `locate` returns the server's address when it is first needed."""
        self._feed = feed
        self._locate = locate
        self._policy = policy
        self._address: FtpAddress | None = None
        self._login_lock = Lock()
        self._slots = BoundedSemaphore(policy.parallel)
        self._idle: deque[FtpConnection] = deque()
        self._uses_tls = feed.needs_tls
        self._refusal = ""

    @property
    def url(self) -> str:
        """The server, for messages."""
        return self._address.url if self._address else "ftp"

    @contextmanager
    def connection(self) -> Iterator[FtpConnection]:
        """Lend a connection that is logged in; it is kept for the next caller unless an error occurs."""
        with self._slots:
            connection = self._idle_connection() or self._log_in()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)

    def close(self) -> None:
        """Close idle connections. Idempotent."""
        while self._idle:
            self._idle.pop().close()

    def _idle_connection(self) -> FtpConnection | None:
        """Return a connection that still answers; servers close those that were idle for too long."""
        while self._idle:
            with suppress(IndexError):  # another thread was faster
                connection = self._idle.pop()
                try:
                    connection.voidcmd("NOOP")
                except FTP_ERRORS:
                    connection.close()
                else:
                    return connection
        return None

    def _log_in(self) -> FtpConnection:
        with self._login_lock:
            if self._refusal:  # trying again for every file would look like an attack
                raise PortalError(Code.AUTH_FAILED, self._refusal)
            self._address = self._address or self._locate()
            if not self._uses_tls:
                try:
                    return self._connect(self._address)
                except _TlsRequired as refusal:
                    LOG.info("%s: %s requires TLS (%s)", self._feed.key, self.url, refusal)
                    self._uses_tls = True
            return self._connect(self._address)

    def _connect(self, address: FtpAddress) -> FtpConnection:
        with ftp_errors(address.url, listing_error):  # without a login the account has no file at all
            connection = FtpConnection(address, self._policy)
            try:
                if self._uses_tls:
                    connection.start_tls()
                connection.login(self._feed.account, self._feed.password, secure=False)
            except ftplib.error_perm as refusal:
                connection.close()
                raise self._login_error(refusal) from None
            except BaseException:
                connection.close()
                raise
            return connection

    def _login_error(self, refusal: ftplib.error_perm) -> Exception:
        if requires_tls(refusal) and not self._uses_tls:
            return _TlsRequired(str(refusal))
        self._refusal = f"user {self._feed.account!r} is not let in ({refusal})"
        return PortalError(Code.AUTH_FAILED, self._refusal)


class _TlsRequired(Exception):
    pass
