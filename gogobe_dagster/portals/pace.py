"""The least pace at which a response has to arrive: over a while, and as a whole.

A portal that sends a byte now and then is never silent, so that time limits on silence never end it.
"""

import io
import socket
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any


class TooSlow(TimeoutError):
    """A response arrives too slowly, or is not complete in time."""


class Pace:
    """Counts what arrives of one response. The time before its first byte does not count as slow."""

    def __init__(self, *, rate: float, window: float, seconds: float = inf) -> None:
        """Allow `seconds` in all from now, and less than `rate` bytes a second in no `window` of seconds."""
        self._rate = rate
        self._window = window
        self._seconds = seconds
        self._begun_at = monotonic()
        self._window_began_at: float | None = None
        self._received = 0

    def begin_body(self) -> None:
        """Keep only the least rate, which counts from the next byte on."""
        self._seconds, self._window_began_at = inf, None

    def count(self, received: int) -> None:
        """Raise `TooSlow` if the response has been too slow up to these bytes."""
        now = monotonic()
        if now - self._begun_at > self._seconds:
            raise TooSlow(f"not complete after {self._seconds:g} seconds")
        if self._window_began_at is None:
            self._window_began_at, self._received = now, 0
        self._received += received
        elapsed = now - self._window_began_at
        if elapsed >= self._window:
            if self._received < self._rate * elapsed:
                raise TooSlow(f"{self._received} bytes in {elapsed:.0f} seconds")
            self._window_began_at, self._received = now, 0


class PacedReader(io.RawIOBase):
    """What is read from a socket, byte for byte, at the least pace that `pace` allows."""

    def __init__(self, raw: io.RawIOBase, pace: Pace) -> None:
        super().__init__()
        self._raw = raw
        self.pace = pace

    def readable(self) -> bool:
        """As every reader."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what has arrived. Raises `TooSlow`, and as sockets do."""
        received = self._raw.readinto(buffer)
        self.pace.count(received or 0)
        return received

    def close(self) -> None:
        """Close the socket's side too, which is open as long as somebody reads it."""
        self._raw.close()
        super().close()


class PacedSocket:
    """A socket whose responses `http.client` reads at a least pace; in all else the socket itself."""

    def __init__(self, sock: socket.socket, make_pace: Callable[[], Pace]) -> None:
        self._sock = sock
        self._make_pace = make_pace
        self.pace: Pace | None = None
        """That of the latest response."""

    def __getattr__(self, name: str) -> Any:
        """Whatever else the socket has."""
        return getattr(self._sock, name)

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        """Return a reader of the next response, with a pace of its own."""
        self.pace = self._make_pace()
        return paced_file(self._sock, self.pace)


def paced_file(sock: socket.socket, pace: Pace) -> io.BufferedReader:
    """Return a reader of what arrives at a socket."""
    return io.BufferedReader(PacedReader(sock.makefile("rb", buffering=0), pace))
