"""What connectors share: a feed, where its portal is, the one HTTP client, and files behind plain links.

How a portal lists is the family's module; logins, renewed links and second ways to a file are too.
"""

from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds import Feed
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.http import Client, Manners


class Connector:
    """A portal without a login, whose files are fetched by the link in the listing."""

    manners: ClassVar[Manners] = Manners()
    offers_past_days: ClassVar[bool] = False

    def __init__(self, feed: Feed, *, base_url: str, limit: int, manners: Manners | None = None) -> None:
        """Open nothing yet. `limit` is the most bytes of one file."""
        self._feed = feed
        self._url = base_url
        self._limit = limit
        self._client = Client(manners or self.manners)

    @property
    def parallel_downloads(self) -> int:
        """How many files at once."""
        return self._client.manners.parallel

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file; a link without a host is a path of the portal. See `Portal.fetch`."""
        url = file.link if "://" in file.link else f"{self._url}{file.link}"
        yield from self._client.stream(url, file=file, limit=self._limit)

    def close(self) -> None:
        """Give back sockets. Idempotent."""
        self._client.close()

    def _refuse(self, day: date | None) -> None:
        """Raise when a day is asked for: for portals that show only what they have now."""
        if day is not None:
            raise PortalError(Code.PAST_DAY_NOT_OFFERED, f"{self._feed.key} shows only what it has now")
