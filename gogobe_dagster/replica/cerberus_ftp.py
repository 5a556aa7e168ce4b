"""The FTP side of the Cerberus portal: the accounts, folders and faults of `cerberus`, by pyftpdlib.

It starts when somebody first asks where it is (GET /control/ftp), on a free port, with a certificate of
an authority that is made there and then; the same answer holds that authority's own certificate.
"""

import logging
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any

from gogobe_dagster.feeds.registry import Family
from gogobe_dagster.replica.state import ReplicaState

HOST = "127.0.0.1"
POLL_SECONDS = 0.05  # seconds; how soon the server notices that it is to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpEndpoint:
    """Where the FTP side is."""

    url: str
    """ftp://127.0.0.1:port"""
    authority: str
    """PEM certificate of the authority that signed the server's."""


class FtpServer:
    """All Cerberus accounts on one FTP server, in a thread of this process."""

    def __init__(self, state: ReplicaState) -> None:
        """Start nothing yet."""
        self._state = state
        self._lock = Lock()
        self._endpoint: FtpEndpoint | None = None
        self._thread: Thread | None = None
        self._stopping = False

    def endpoint(self) -> FtpEndpoint:
        """Return the address; the first call starts the server."""
        with self._lock:
            if self._endpoint is None:
                self._endpoint = self._start()
            return self._endpoint

    def stop(self) -> None:
        """Close every connection and the port. Idempotent."""
        with self._lock:
            self._stopping = True
            if self._thread:
                self._thread.join()
            self._endpoint = self._thread = None
            self._stopping = False

    def _start(self) -> FtpEndpoint:
        import trustme
        from OpenSSL import SSL
        from pyftpdlib.ioloop import IOLoop
        from pyftpdlib.servers import FTPServer

        from gogobe_dagster.replica.cerberus_ftp_session import Accounts, Handler

        log = logging.getLogger("pyftpdlib")
        log.setLevel(logging.CRITICAL)  # simulated faults are not news
        if not log.handlers:  # otherwise it would configure logging itself, and log every poll of the socket
            log.addHandler(logging.NullHandler())
        authority = trustme.CA()
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        authority.issue_cert(HOST).configure_cert(context)
        accounts = {feed.account: feed for feed in self._state.feeds_of(Family.CERBERUS)}
        handler = type(
            "Handler",
            (Handler,),
            {"state": self._state, "ssl_context": context, "authorizer": Accounts(self._state, accounts)},
        )
        server = FTPServer((HOST, 0), handler, ioloop=IOLoop())
        self._thread = Thread(target=self._serve, args=(server,), name="replica-ftp", daemon=True)
        self._thread.start()
        url = f"ftp://{HOST}:{server.address[1]}"
        return FtpEndpoint(url=url, authority=authority.cert_pem.bytes().decode())

    def _serve(self, server: Any) -> None:
        while not self._stopping:
            server.serve_forever(timeout=POLL_SECONDS, blocking=False, handle_exit=False)
        server.close_all()
