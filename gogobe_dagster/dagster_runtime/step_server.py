"""The fork server of a run's steps, forked from the run's process instead of started.

A run that a worker has forked has everything imported. `multiprocessing` would start a new interpreter for
the fork server of its steps all the same, which imports it again: two to three CPU seconds of a run.
"""

import os
import socket
import sys
from multiprocessing import connection, forkserver
from typing import Any

AUTHENTICATES = sys.version_info >= (3, 14)
"""From Python 3.14 on, a fork server and its clients share a key; there it is started as usual."""


def fork_step_server() -> None:
    """Fork it, before this process has any other thread. Steps that are started later are its children.

    It ends with this process. What is set here are private attributes of `multiprocessing`, which the start
    of a fork server sets, too.
    """
    if AUTHENTICATES:
        return
    address = connection.arbitrary_address("AF_UNIX")  # type: ignore[attr-defined]  # in a folder of this process
    alive, kept = os.pipe()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        pid = os.fork()
        if pid == 0:
            os.close(kept)
            _serve(listener.detach(), alive)
    os.close(alive)
    server: Any = forkserver._forkserver  # noqa: SLF001 - there is no other way
    server._forkserver_address = address  # noqa: SLF001
    server._forkserver_alive_fd = kept  # noqa: SLF001
    server._forkserver_pid = pid  # noqa: SLF001


def _serve(listener: int, alive: int) -> None:
    """Fork steps until `alive` is closed, and end without what this process would do at its end."""
    try:
        forkserver.main(listener, alive, [])
    finally:
        os._exit(0)
