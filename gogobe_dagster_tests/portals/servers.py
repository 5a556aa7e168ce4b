"""A server that sends exactly these bytes, for responses that no well-behaved server gives."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date
from threading import Thread

from gogobe_dagster.portals.portal import Portal, RemoteFile

Script = Callable[[socket.socket], None]
TLS_HANDSHAKE = b"\x16"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ScriptedServer:
    """Answers the first request with the first script, and so on; the last one stays."""

    def __init__(self, listener: socket.socket, scripts: tuple[Script, ...]) -> None:
        self.requests: list[str] = []
        self._listener = listener
        self._scripts = list(scripts)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def answer(self, number: int, script: Script) -> None:
        """Replace a script: for responses that must contain the address of this server."""
        self._scripts[number] = script

    def then(self, script: Script) -> None:
        """Add a script for the requests that follow."""
        self._scripts.append(script)

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        # the client may be gone at any time, as some tests mean it to
        with connection, suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request and not request.startswith(TLS_HANDSHAKE):
                received = connection.recv(65536)
                if not received:
                    return  # it closed the connection before it had asked anything
                request += received
            script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
            self.requests.append(request.decode("latin-1"))
            script(connection)


@contextmanager
def scripted(*scripts: Script) -> Iterator[ScriptedServer]:
    """Serve on loopback until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ScriptedServer(listener, scripts)
        thread = Thread(target=server.serve, daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def list_scripted(
    connect: Callable[[ScriptedServer], Portal], *scripts: Script, day: date | None = None
) -> list[RemoteFile]:
    """Return what a connector lists at a server that answers with these scripts, one per request."""
    with scripted(*scripts) as server, closing(connect(server)) as portal:
        return portal.list_files(day)


def says(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> Script:
    """Answer with this body; `length` promises another number of bytes than are sent."""
    promised = len(body) if length is None else length
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {promised}", "Connection: close", *headers])
    return lambda connection: connection.sendall(f"{head}\r\n\r\n".encode() + body)


def says_raw(answer: bytes, *, then: Script | None = None) -> Script:
    """Answer with exactly these bytes, and go on with `then`."""

    def script(connection: socket.socket) -> None:
        connection.sendall(answer)
        if then:
            then(connection)

    return script


def reset(connection: socket.socket) -> None:
    """Break the connection as a crashing server does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


def stay_silent(connection: socket.socket) -> None:
    """Say nothing until the client gives up."""
    connection.recv(1)


def drip(connection: socket.socket) -> None:
    """Send a byte now and then, for ever: never silent, never done."""
    connection.settimeout(0.02)
    while True:
        connection.sendall(b"x")
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            continue
