"""Ports for servers that a test starts in another process."""

import os
import secrets
import socket

FIRST, PER_WORKER, WORKERS = 20_000, 1_500, 8
"""Below 32768, from where on the system gives ports to outgoing connections."""


def free_port() -> int:
    """Return a free port on loopback. Test processes draw from ranges of their own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    while True:
        port = FIRST + worker * PER_WORKER + secrets.randbelow(PER_WORKER)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
