"""What every connector offers: list what the portal shows, and download one file.

A portal family is code (one module of this package); a feed is a row of the register. A connector raises
`PortalError` when a listing fails and `DownloadError` when a file does. It never returns an empty list for
a failure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One line of a listing. Only the name, together with the feed, is identity."""

    name: str
    """The exact remote name, in its own case, without folder or query."""
    link: str
    """How to fetch it: an absolute URL or a portal path; it may expire and is never identity."""
    size: int | None = None
    """Bytes as the listing says; None where it does not say."""
    size_slack: int = 0
    """How far the listing's rounding lets the true size be from `size`, in bytes."""
    modified_at: datetime | None = None
    """When the portal says the file was written (aware, Asia/Jerusalem); None where it does not say."""
    label: str = ""
    """What the portal calls the store; informative only."""


class Portal(Protocol):
    """A connector of one feed. Not thread-safe for listing; `fetch` may be called from several threads."""

    @property
    def offers_past_days(self) -> bool:
        """Whether `list_files(day)` can ask the portal for a past day."""

    @property
    def parallel_downloads(self) -> int:
        """The politeness limit: how many files at once (docs/portals.md, Requests)."""

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List what the portal shows now, or one past day where `offers_past_days`.

        A name is listed once, whatever the paging did. An empty list means that the portal truly
        shows nothing. Raises `PortalError`.
        """

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream the bytes as served (identity encoding), in chunks, from the start.

        Renews sessions and links by itself, once. Raises `DownloadError` (or `PortalError` when the
        whole portal is gone), also after some chunks: what was streamed before an error is void.
        """

    def close(self) -> None:
        """Give back sockets. Idempotent."""
