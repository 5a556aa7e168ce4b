"""Files that are stored, whole, before anybody is told that they exist; in a folder or in object storage.

A rename without fsync may reach the disk before the bytes do: after a power cut the file has its name, and is
empty. PostgreSQL's commits are durable, so the ledger would speak of bytes that no longer exist. Object
storage has neither names to change nor folders: there a file is one upload, and complete when that has ended.
"""

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final

from upath import UPath

from gogobe_dagster.errors import SettingsError

LOCAL: Final = {"", "file", "local"}
BUCKETS: Final = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "memory"}
"""Protocols of object storage. Creating a folder there would create the bucket that a typing error names."""
DRAFT: Final = ".draft"


@dataclass(frozen=True, slots=True)
class Found:
    """A file below a root."""

    path: str
    """Relative to the root."""
    size: int
    modified_at: datetime


class Draft:
    """A file that is being written; nobody sees it before `publish`."""

    def __init__(self, file: IO[bytes], path: UPath | None) -> None:
        """Write to this file, which is at this path; None: in no folder."""
        self.file = file
        self._path = path

    def publish(self, final: UPath) -> None:
        """Give the file its name, over an existing one. On return it is stored: it survives a power cut."""
        if self._path is None:
            _upload(self.file, final)
        else:
            self.file.close()
            make_folder(final.parent)
            publish(self._path, final)


def open_root(root: str | UPath) -> UPath:
    """Return a folder or fsspec URL; nothing is created.

    Listings are not remembered: other processes write there too. Raises `SettingsError` if what the protocol
    needs is not installed, or if the URL names no bucket.
    """
    try:
        path = UPath(root)
        if path.protocol in LOCAL:
            return path
        found = UPath(path, use_listings_cache=False)
        found.fs  # noqa: B018 - imports what the protocol needs
    except (ImportError, ValueError) as error:
        protocol, *_ = str(root).partition("://")
        advice = "pip install 'gogobe-dagster[s3]'" if protocol in {"s3", "s3a"} else str(error)
        raise SettingsError(f"{protocol}:// cannot be used here: {advice}") from None
    if path.protocol in BUCKETS - {"memory"} and not path.path.strip("/"):
        raise SettingsError(f"{root} names no bucket: {path.protocol}://BUCKET/FOLDER")
    return found


@contextmanager
def draft(path: UPath) -> Iterator[Draft]:
    """Begin a file: at this path, or for a bucket on this machine. It is removed unless it is published."""
    if path.protocol in BUCKETS:
        with NamedTemporaryFile() as file:
            yield Draft(file, None)
        return
    make_folder(path.parent)
    try:
        with path.open("wb") as file:
            yield Draft(file, path)
    finally:
        path.unlink(missing_ok=True)


def put(final: UPath, content: bytes) -> None:
    """Store a file whole, over an existing one. On return it is stored: it survives a power cut."""
    with draft(final.with_name(f".{final.name}.{uuid.uuid4().hex}{DRAFT}")) as written:
        written.file.write(content)
        written.publish(final)


def files_below(root: UPath) -> Iterator[Found]:
    """Yield every file below a root; none if it does not exist.

    Raises `FileNotFoundError` for a bucket that does not exist: it must not look like an empty one.
    """
    prefix = root.path.rstrip("/") + "/"
    for path, details in sorted(root.fs.find(root.path, detail=True).items()):
        if path.startswith(prefix):  # some servers list the folder itself, once it is empty
            at = _modified_at(details) or root.fs.modified(path)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            yield Found(path.removeprefix(prefix), int(details["size"]), at)


def unreadable(root: UPath) -> type[OSError]:
    """Return what reading raises for bytes that will not come back.

    That is any error of a disk. A bucket that cannot be reached, or refuses, still has its files.
    """
    return OSError if root.protocol in LOCAL else FileNotFoundError


def store_errors() -> tuple[type[Exception], ...]:
    """Return what reading and writing raise when a disk or a bucket fails; botocore's are no `OSError`."""
    botocore: Any = sys.modules.get("botocore.exceptions")
    return (OSError, botocore.BotoCoreError, botocore.ClientError) if botocore else (OSError,)


def reason_of(error: Exception) -> str:
    """Return why a disk or a bucket failed, without the name of the file."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def make_folder(folder: UPath) -> None:
    """Create a folder and those above it, so that a power cut does not undo it. Idempotent.

    Does nothing in object storage, which has none.
    """
    if folder.protocol in BUCKETS:
        return
    missing = list(takewhile(lambda path: not path.exists(), (folder, *folder.parents)))
    folder.mkdir(parents=True, exist_ok=True)
    for created in missing:
        sync(created.parent)


def publish(written: UPath, final: UPath) -> None:
    """Give a complete file its name, over an existing one; both bytes and name are on the disk afterwards.

    The folder of `final` must exist, as `make_folder` leaves it.
    """
    sync(written)
    written.fs.mv(written.path, final.path)  # atomic
    sync(final.parent)


def sync(path: UPath) -> None:
    """Return when a file or folder is on the disk; what is elsewhere needs none of this."""
    if path.protocol not in LOCAL:
        return
    descriptor = os.open(path.path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _upload(file: IO[bytes], final: UPath) -> None:
    """Store an object by one request, or, above 100 MB, in parts that become one at the end."""
    file.flush()
    final.fs.put_file(file.name, final.path)


def _modified_at(details: dict[str, Any]) -> datetime | None:
    """Return what a listing says already; asking for each file would cost a request."""
    for name in ("LastModified", "mtime", "created"):
        match details.get(name):
            case datetime() as at:
                return at
            case float() as seconds if name == "mtime":
                return datetime.fromtimestamp(seconds, UTC)
    return None
