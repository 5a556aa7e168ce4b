"""A real HTTP server that takes the alerts that Apprise posts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class AlertReceiver:
    """What was posted, and where to post it."""

    def __init__(self, port: int) -> None:
        self.url = f"json://127.0.0.1:{port}/"
        self.alerts: list[dict[str, Any]] = []
        self.refuses = False

    @property
    def titles(self) -> list[str]:
        return [str(alert["title"]) for alert in self.alerts]


@contextmanager
def alert_receiver() -> Iterator[AlertReceiver]:
    """Take alerts on loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not here.refuses:
                here.alerts.append(json.loads(body))
            self.send_response(500 if here.refuses else 200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here = AlertReceiver(server.server_address[1])
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield here
        server.shutdown()
        thread.join(5)
