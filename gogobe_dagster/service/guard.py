"""Limits that hold before a request is read: its size, its time, how many at once, and keys."""

import asyncio
import hmac
from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gogobe_dagster.questions.answer_code import AnswerCode
from gogobe_dagster.service.problems import problem

MAX_BODY: Final = 64 * 1024
"""Bytes; 200 lines of a basket have 12 kB."""
MAX_QUERY: Final = 4096
MAX_REQUESTS: Final = 64
"""Being answered at the same time, those that wait for the database included."""
MAX_CONNECTIONS: Final = 1000
"""Open at the same time; more are closed at once."""
MAX_HEAD: Final = 16 * 1024
"""Bytes of a request line with its headers, as long as they arrive in parts."""
READ_SECONDS: Final = 10
"""In which a request must have arrived, and in which a part of an answer must have been taken."""
OPEN_PATHS: Final = frozenset({"/", "/page.js", "/page.css", "/openapi.json", "/v1/health"})
"""They hold no data, and a browser asks for them without a key."""


class Guard:
    """An ASGI application in front of another one."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: Collection[str] = (),
        max_requests: int = MAX_REQUESTS,
        seconds: float = 0,
    ) -> None:
        """Without keys nobody is asked for one."""
        self._app = app
        self._keys = [key.encode() for key in keys]
        self._max_requests, self._seconds = max_requests, seconds or READ_SECONDS
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with the reason why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        patient = self._patient(send)
        if refusal := self._refuse(scope):
            await refusal(scope, receive, patient)
            return
        self._running += 1
        try:
            await self._answer(scope, receive, patient)
        finally:
            self._running -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                body = await _read(receive)
        except TimeoutError:
            late = problem(AnswerCode.REQUEST_TOO_SLOW, f"no whole body within {self._seconds} seconds")
            late.headers["Connection"] = "close"
            await late(scope, receive, send)
            return
        if body is None:
            await _too_large(f"the body has more than {MAX_BODY:,} bytes")(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _refuse(self, scope: Scope) -> Response | None:
        """Return the refusal, None for a request that may pass."""
        headers = Headers(scope=scope)
        if self._running >= self._max_requests:
            return problem(AnswerCode.BUSY, f"{self._max_requests} requests are being answered")
        if len(scope["query_string"]) > MAX_QUERY:
            return _too_large(f"the query has more than {MAX_QUERY:,} bytes")
        if (
            headers.get("content-length", "0").isdigit()
            and int(headers.get("content-length", "0")) > MAX_BODY
        ):
            return _too_large(f"the body has more than {MAX_BODY:,} bytes")
        if self._keys and scope["path"] not in OPEN_PATHS and not self._knows_key(headers):
            return problem(AnswerCode.KEY_NEEDED, "send a key as `Authorization: Bearer KEY`")
        return None

    def _knows_key(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        matches = [hmac.compare_digest(given.strip().encode(), key) for key in self._keys]
        return scheme.lower() == "bearer" and any(matches)

    def _patient(self, send: Send) -> Send:
        """Give up a client that does not take its answer."""

        async def patient(message: Message) -> None:
            async with asyncio.timeout(self._seconds):
                await send(message)

        return patient


def _too_large(reason: str) -> Response:
    refusal = problem(AnswerCode.REQUEST_TOO_LARGE, reason)
    refusal.headers["Connection"] = "close"
    return refusal


async def _read(receive: Receive) -> bytes | None:
    """Return the body; None if it is longer than allowed."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if sum(map(len, chunks)) > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read, then what the connection says."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed


class ImpatientProtocol(HttpToolsProtocol):
    """HTTP that closes a connection on which the head of a request has not come in time, or has no end.

    uvicorn waits for ever, except for the first byte after an answer, and takes any number of connections.
    """

    _waited_after: RequestResponseCycle | None = None
    """The last request for whose successor time is running."""
    _is_in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Begin to wait for the rest if it is a part of a head."""
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response(f"The head has more than {MAX_HEAD} bytes.")
        if self.cycle and self.cycle.response_complete and self._waited_after is not self.cycle:
            self._wait()

    def on_message_begin(self) -> None:
        """Note that a head has begun."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Note that it has ended."""
        self._is_in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def _wait(self) -> None:
        self._waited_after = self.cycle
        self.loop.call_later(READ_SECONDS, self._close_if_silent, self.cycle)

    def _close_if_silent(self, after: RequestResponseCycle | None) -> None:
        if self.cycle is after and not self.transport.is_closing():
            self.transport.close()
