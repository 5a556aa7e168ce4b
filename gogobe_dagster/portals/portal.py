"""What every connector offers: list what the portal shows, and download one file.

A portal family is code (one module of this package); a feed is a row of the register. A connector raises
`PortalError` when a listing fails and `DownloadError` when a file does. It never returns an empty list for a
failure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One row of a listing. Only the name, together with the feed, identifies a file."""

    name: str
    """The exact remote name, in its own case, without folder or query."""
    link: str
    """An absolute URL or a path of the portal. It may expire, and never identifies a file."""
    size: int | None = None
    """Bytes as listed; None if the listing has no size."""
    size_tolerance: int = 0
    """How many bytes the true size may differ from `size`, because the listing rounds it."""
    modified_at: datetime | None = None
    """When the file was written according to the listing (aware, Asia/Jerusalem); None if it has no time."""
    label: str = ""
    """The store as the listing writes it; informative only."""


class Portal(Protocol):
    """A connector of one feed. One thread lists at a time; `fetch` may be called from several threads."""

    @property
    def offers_past_days(self) -> bool:
        """Whether `list_files(day)` can list a past day."""

    @property
    def parallel_downloads(self) -> int:
        """How many files may be downloaded at the same time (docs/portals.md, Requests)."""

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List what the portal shows now, or one past day if `offers_past_days`.

        Each name occurs once. An empty list means that the portal truly shows nothing. Raises `PortalError`.
        """

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream the bytes as served, in chunks, from the start.

        An expired session or link is renewed once. Raises `DownloadError`, or `PortalError` if the whole
        portal is out of reach, possibly after some chunks: those are then void.
        """

    def close(self) -> None:
        """Close connections. Idempotent."""
