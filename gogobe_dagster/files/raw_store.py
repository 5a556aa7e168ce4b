"""The raw store: the bytes of every file exactly as served, kept under their SHA-256.

The same bytes are kept once, whatever names they had; which file had which bytes is in the ledger. It is a
folder by default, or any fsspec URL.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO

from upath import UPath

from gogobe_dagster.errors import Code, ContentError, DownloadError
from gogobe_dagster.files.durable import Found, draft, files_below, open_root, unreadable

HASH_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """Hash and size of stored bytes."""

    sha256: str
    size: int


class RawStore:
    """Content-addressed storage below one root. Several processes may use it at once."""

    def __init__(self, root: str | UPath) -> None:
        """Use a folder or fsspec URL as the root; nothing is created yet."""
        self.root = open_root(root)

    def save(self, chunks: Iterable[bytes], *, limit: int) -> StoredFile:
        """Store a stream; it appears complete under its hash, or not at all. Idempotent.

        On return it is stored: it survives a power cut. Needs the memory of one chunk. Raises
        `DownloadError` (`too_large`) above `limit` bytes, and passes on what the stream raises; then nothing
        is stored.
        """
        with draft(self.root / "arriving" / uuid.uuid4().hex) as arriving:
            stored = _write(arriving.file, chunks, limit)
            # also over an existing one: retention goes by the last time of storing
            arriving.publish(self.path(stored.sha256))
        return stored

    def read(self, sha256: str) -> bytes:
        """Return the bytes, which have this hash.

        Raises `ContentError` (`raw_file_missing`) if they are not there, or other bytes are in their place.
        """
        try:
            content = self.path(sha256).read_bytes()
        except unreadable(self.root) as error:
            reason = f"raw file {sha256[:12]}… cannot be read from {self.root}: {error.strerror or error}"
            raise ContentError(Code.RAW_FILE_MISSING, reason) from None
        if hashlib.sha256(content).hexdigest() != sha256:
            reason = f"raw file {sha256[:12]}… in {self.root} has other bytes, {len(content)} of them"
            raise ContentError(Code.RAW_FILE_MISSING, reason)
        return content

    def has(self, sha256: str) -> bool:
        """Whether these bytes are stored."""
        return self.path(sha256).exists()

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of every stored file, by hash."""
        return {found.path: found.size for found in self.files()}

    def files(self) -> Iterator[Found]:
        """Yield every stored file; its path is its hash."""
        for found in files_below(self.root):
            name = found.path.rpartition("/")[2]
            if len(name) == HASH_LENGTH:
                yield replace(found, path=name)

    def stored_at(self, sha256: str) -> datetime:
        """Return when these bytes were last stored; raises `FileNotFoundError` if they are not."""
        path = self.path(sha256)
        modified: datetime = path.fs.modified(path.path)
        return modified

    def remove(self, sha256: str) -> None:
        """Remove these bytes. Idempotent."""
        self.path(sha256).unlink(missing_ok=True)

    def path(self, sha256: str) -> UPath:
        """Return where these bytes are, whether stored or not."""
        return self.root / sha256[:2] / sha256


def _write(file: IO[bytes], chunks: Iterable[bytes], limit: int) -> StoredFile:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise DownloadError(Code.TOO_LARGE, f"larger than the limit of {limit:,} bytes")
        digest.update(chunk)
        file.write(chunk)
    return StoredFile(sha256=digest.hexdigest(), size=size)
