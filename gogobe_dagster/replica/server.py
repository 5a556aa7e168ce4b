"""The replica as a running server on loopback, in a thread of this process."""

import socket
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from threading import Thread
from time import sleep
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from gogobe_dagster.feeds.registry import FEEDS, Family
from gogobe_dagster.replica.app import HALF_AN_HOUR, build_app
from gogobe_dagster.replica.faults import Faults
from gogobe_dagster.replica.publication import Publications
from gogobe_dagster.replica.serving import TRANSPORT
from gogobe_dagster.replica.simulated_clock import SimulatedClock

HOST = "127.0.0.1"


class Replica:
    """All portals on one port. `with Replica() as replica:` starts and stops it."""

    def __init__(
        self,
        publications_by_feed: Mapping[str, Publications] | None = None,
        *,
        port: int = 0,
        clock: Callable[[], datetime] | None = None,
        session_seconds: float = HALF_AN_HOUR,
        link_seconds: float = HALF_AN_HOUR,
    ) -> None:
        """Take what each feed publishes, by feed key; without it, every feed, with nothing published.

        Port 0 means any free one. `clock` decides when sessions and signed links expire and which day it
        is; a `SimulatedClock`, which it is unless given, can be moved while the portals are read.
        """
        self.clock = clock or SimulatedClock()
        self._publications_by_feed = (
            {feed.key: Publications() for feed in FEEDS}
            if publications_by_feed is None
            else dict(publications_by_feed)
        )
        self.faults = Faults(self._publications_by_feed)
        self._port = port
        self._app = build_app(
            self._publications_by_feed,
            faults=self.faults,
            clock=self.clock,
            session_seconds=session_seconds,
            link_seconds=link_seconds,
        )
        self._server: uvicorn.Server | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """The value of GOGOBE_REPLICA_URL: without a slash at the end."""
        return f"http://{HOST}:{self._port}"

    @property
    def has_ftp(self) -> bool:
        """Whether there is a Cerberus account here."""
        return any(
            feed.family is Family.CERBERUS and feed.key in self._publications_by_feed for feed in FEEDS
        )

    @property
    def ftp_url(self) -> str:
        """The address of the Cerberus accounts over FTP; the first call starts that server."""
        return str(self._app.state.ftp.endpoint().url)

    def publications(self, feed_key: str) -> Publications:
        """Return what a feed publishes; change it at any time."""
        return self._publications_by_feed[feed_key]

    def start(self) -> None:
        """Start answering. Raises `OSError` if the port is in use."""
        listener = _listen(self._port)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            http=ExposedTransportProtocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_level="error",
            access_log=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, args=([listener],), name="replica", daemon=True)
        self._thread.start()
        while not self._server.started:
            sleep(0.005)

    def stop(self) -> None:
        """Close every connection and the port. Idempotent."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join()
        self._server = self._thread = None
        self._app.state.ftp.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _listen(port: int) -> socket.socket:
    # With IPPROTO_TCP asyncio turns Nagle's algorithm off; otherwise each response takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


class ExposedTransportProtocol(H11Protocol):
    """HTTP that gives the application its connection, so that faults can reset or close it."""

    def connection_made(self, transport: object) -> None:
        """Wrap the application of this connection."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows asyncio's type
        self.app = partial(_with_transport, self.app, transport)


async def _with_transport(
    app: ASGIApp, transport: object, scope: Scope, receive: Receive, send: Send
) -> None:
    scope[TRANSPORT] = transport
    await app(scope, receive, send)
