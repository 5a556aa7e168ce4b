"""What the steps of an import return and pass on to each other, as plain values.

Nothing here imports Polars, so that the definitions may name these types without loading it.
"""

import hashlib
from dataclasses import dataclass
from datetime import date

from gogobe_dagster.warehouse.ledger.portal_pause import PortalPause


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """The result of `download`."""

    fetched: int
    failed: int
    """Files that the portal did not deliver although it delivered others."""
    bytes: int
    waiting: int
    """Files that stay pending because the portal is left alone."""
    pause: PortalPause | None
    """Why the portal is left alone, and until when; None: it delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Files of one feed and day that are parsed in one step, into one lake file per type of document."""

    feed: str
    day: date
    file_ids: tuple[int, ...]

    @property
    def key(self) -> str:
        """Name in the lake; the same files have the same key, so a repeated batch overwrites itself."""
        ids = ",".join(map(str, sorted(self.file_ids)))
        return hashlib.sha256(ids.encode()).hexdigest()[:16]
