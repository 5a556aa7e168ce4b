"""What a portal publishes: one file (`Publication`), and all files of a feed now (`Publications`).

The family modules list and serve them; they come from `folder` or `generator`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from gogobe_dagster.files.kinds import FileKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One published file: its row in the listing, and its bytes."""

    name: str
    content: bytes | Path
    """The bytes as served, or the file that holds them."""
    published_at: datetime
    """When the file was written, as the listing shows it (aware)."""
    kind: FileKind | None = None
    """None for a stray object whose name has no kind."""
    store_id: int | None = None
    store_label: str = ""
    """The store as this portal writes it, such as `357 - דיל רחובות`."""

    @property
    def size(self) -> int:
        """Bytes as served."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def read(self) -> bytes:
        """Return the bytes as served."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


class Publications:
    """All files that one feed publishes now. Thread-safe: tests change them while the portal is read."""

    def __init__(self, publications: Iterable[Publication] = ()) -> None:
        self._lock = Lock()
        self._by_name = {publication.name: publication for publication in publications}

    def put(self, *publications: Publication) -> None:
        """Add files; a file with the name of another replaces it."""
        with self._lock:
            self._by_name.update({publication.name: publication for publication in publications})

    def remove(self, *names: str) -> None:
        """Remove files; unknown names are ignored."""
        with self._lock:
            for name in names:
                self._by_name.pop(name, None)

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._by_name.clear()

    def get(self, name: str) -> Publication | None:
        """Return the file with exactly this name."""
        with self._lock:
            return self._by_name.get(name)

    def all(self) -> list[Publication]:
        """Return everything, in the order in which it was first added."""
        with self._lock:
            return list(self._by_name.values())

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __len__(self) -> int:
        return len(self._by_name)
