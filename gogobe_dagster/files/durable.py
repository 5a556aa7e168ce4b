"""Files that are on the disk, whole, before anybody is told that they exist.

A rename without fsync may reach the disk before the bytes do: after a power cut the file has its name, and is
empty. PostgreSQL's commits are durable, so the ledger would speak of bytes that no longer exist. Object
storage needs none of this: an object is there when its upload has ended.
"""

import os
from itertools import takewhile

from upath import UPath

LOCAL = {"", "file", "local"}


def make_folder(folder: UPath) -> None:
    """Create a folder and those above it, so that a power cut does not undo it. Idempotent."""
    missing = list(takewhile(lambda path: not path.exists(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for created in missing:
        sync(created.parent)


def publish(draft: UPath, final: UPath) -> None:
    """Give a complete file its name, over an existing one; both bytes and name are on the disk afterwards.

    The folder of `final` must exist, as `make_folder` leaves it.
    """
    sync(draft)
    # atomic in a folder; object storage copies, and shows the copy when it is complete
    draft.fs.mv(draft.path, final.path)
    sync(final.parent)


def sync(path: UPath) -> None:
    """Return when a file or folder is on the disk; object storage needs none of this."""
    if path.protocol not in LOCAL:
        return
    descriptor = os.open(path.path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
