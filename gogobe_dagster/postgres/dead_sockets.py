"""Removes the folders below /tmp in which killed processes left their sockets."""

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

FOLDERS = re.compile(r"gogobe-([0-9a-f]{12}|up-\w{8})")
"""Those of the embedded server, and of the code server of `gogobe up`."""
NAMES = re.compile(r"code\.sock|\.s\.PGSQL\.\d+(\.lock)?")
TMP = Path("/tmp")  # noqa: S108 - only what is ours is removed
MIN_AGE_SECONDS = 120
"""A younger folder may be that of a server that is just starting."""


def remove_dead_sockets(folder: Path = TMP) -> list[Path]:
    """Remove our folders with sockets at which nobody listens, and return them."""
    removed = []
    for found in folder.glob("gogobe-*"):
        with suppress(OSError):  # another user's, or another process removes it
            if FOLDERS.fullmatch(found.name) and _emptied(found):
                found.rmdir()
                removed.append(found)
    return removed


def _emptied(folder: Path) -> bool:
    """Delete what a dead server left in a folder; return False, and delete nothing, if it is another one.

    Every access is through one descriptor: somebody else could replace the folder by a link meanwhile.
    """
    with _opened(folder) as descriptor:
        status = os.fstat(descriptor)
        names = os.listdir(descriptor)  # noqa: PTH208 - a path could be another folder by now
        is_old = time.time() - status.st_mtime > MIN_AGE_SECONDS
        is_ours = os.geteuid() in {0, status.st_uid} and all(map(NAMES.fullmatch, names))
        if not (is_old and is_ours) or any(_listens(descriptor, name) for name in names):
            return False
        for name in names:
            os.unlink(name, dir_fd=descriptor)
        return True


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _listens(descriptor: int, name: str) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as client:
        return client.connect_ex(f"/proc/self/fd/{descriptor}/{name}") == 0
