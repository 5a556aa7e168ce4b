"""The raw store: the bytes of every file exactly as served, kept under their SHA-256.

The same bytes are kept once, whatever names they had; which file had which bytes is the ledger's
business. A folder by default, any fsspec URL in production.
"""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from upath import UPath

from gogobe_dagster.errors import Code, ContentError, DownloadError

HASH_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What is known of bytes once they are kept."""

    sha256: str
    size: int


class RawStore:
    """Bytes under their hash, below one root. Safe for several processes at once."""

    def __init__(self, root: str | UPath) -> None:
        """Take the root as a folder or fsspec URL; nothing is created yet."""
        self.root = UPath(root)

    def save(self, chunks: Iterable[bytes], *, limit: int) -> StoredFile:
        """Keep a stream; it appears whole under its hash, or not at all.

        Holds one chunk in memory. Raises `DownloadError` (`too_large`) above `limit` bytes, and
        lets through what the stream raises; neither leaves a trace. Saving again changes nothing.
        """
        arriving = self.root / "arriving" / uuid.uuid4().hex
        arriving.parent.mkdir(parents=True, exist_ok=True)
        try:
            stored = _write(arriving, chunks, limit)
            self._keep(arriving, stored.sha256)
        finally:
            arriving.unlink(missing_ok=True)
        return stored

    def read(self, sha256: str) -> bytes:
        """Return the bytes; raises `ContentError` (`raw_file_missing`) when they were cleaned away."""
        try:
            return self._path(sha256).read_bytes()
        except FileNotFoundError:
            reason = f"raw file {sha256[:12]}… is not in {self.root}"
            raise ContentError(Code.RAW_FILE_MISSING, reason) from None

    def has(self, sha256: str) -> bool:
        """Whether these bytes are kept."""
        return self._path(sha256).exists()

    def sizes(self) -> dict[str, int]:
        """Return the bytes of everything that is kept, by hash."""
        found = self.root.fs.find(self.root.path, detail=True)
        named = {path.rsplit("/", 1)[-1]: details["size"] for path, details in found.items()}
        return {name: size for name, size in named.items() if len(name) == HASH_LENGTH}

    def kept_since(self, sha256: str) -> datetime:
        """Return when these bytes were kept last; raises `FileNotFoundError` when they are not."""
        path = self._path(sha256)
        modified: datetime = path.fs.modified(path.path)
        return modified

    def remove(self, sha256: str) -> None:
        """Forget these bytes. Doing it again does no harm."""
        self._path(sha256).unlink(missing_ok=True)

    def _path(self, sha256: str) -> UPath:
        return self.root / sha256[:2] / sha256

    def _keep(self, arriving: UPath, sha256: str) -> None:
        kept = self._path(sha256)
        kept.parent.mkdir(parents=True, exist_ok=True)
        arriving.rename(kept)  # also where it is: retention goes by when bytes were kept last


def _write(path: UPath, chunks: Iterable[bytes], limit: int) -> StoredFile:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise DownloadError(Code.TOO_LARGE, f"larger than the limit of {limit:,} bytes")
            digest.update(chunk)
            file.write(chunk)
    return StoredFile(sha256=digest.hexdigest(), size=size)
