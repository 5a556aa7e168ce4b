"""What connectors share: a feed, where its portal is, the one HTTP client, and files behind plain links.

Some must also know which day it is. How a portal lists is the family's module; logins, renewed links and
second ways to a file are too.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import ClassVar

from gogobe_dagster.clock import day_of
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.http import Client, Manners
from gogobe_dagster.portals.http_errors import Answer
from gogobe_dagster.portals.listing import named_once, really_of

FORBIDDEN = 403


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


class DayByDay(Connector, ABC):
    """A portal that lists the day that it is asked for."""

    offers_past_days: ClassVar[bool] = True

    def __init__(
        self,
        feed: Feed,
        *,
        base_url: str,
        limit: int,
        clock: Callable[[], datetime],
        manners: Manners | None = None,
    ) -> None:
        """Open nothing yet. `clock` says which days are asked for when none is named."""
        super().__init__(feed, base_url=base_url, limit=limit, manners=manners)
        self._clock = clock

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List one past day, or the days that make up what is there now. See `Portal.list_files`."""
        if day is None:
            return named_once(self._now(day_of(self._clock())))
        return really_of(day, named_once(self._of_day(day)), self._url)

    @abstractmethod
    def _now(self, today: date) -> list[RemoteFile]:
        """List the days that the portal is still filling; of two rows with one name the later counts."""

    @abstractmethod
    def _of_day(self, day: date) -> list[RemoteFile]:
        """List one day, believing whatever the portal shows."""


def walled(answer: Answer) -> Code | None:
    """Cloudflare answers 403 to callers outside Israel and to those it takes for programs, in any words."""
    return Code.BOT_CHALLENGE if answer.status == FORBIDDEN else None
