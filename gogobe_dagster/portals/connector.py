"""The base class of connectors to portals on the web.

A portal family is a subclass. It implements `_list_current`, and `_list_day` if the portal offers past days.
The base class downloads files by their links; families with signed links or another way to a file override
`fetch`, those with a session derive from `SessionConnector`. Errors get their codes in `http_errors` and
`listing_fields`; time limits, retries and parallel downloads are the `RequestPolicy`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from requests.cookies import RequestsCookieJar

from gogobe_dagster import clock as wall_clock
from gogobe_dagster.clock import day_of
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.portals.http_client import HttpClient
from gogobe_dagster.portals.http_errors import Classifier
from gogobe_dagster.portals.listing_fields import past_day_not_offered, unique_by_name
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.request_policy import RequestPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorOptions:
    """What every connector is made from."""

    feed: Feed
    base_url: str
    """Where the portal is, without a slash at the end; it may have a path."""
    max_file_bytes: int
    policy: RequestPolicy
    clock: Callable[[], datetime] = wall_clock.now


class Connector(ABC):
    """A connector of one feed; see `Portal`. Nothing is requested before the first listing or download."""

    policy: ClassVar[RequestPolicy] = RequestPolicy()
    """How this family is treated, unless the options say otherwise."""
    offers_past_days: ClassVar[bool] = False
    pages_until_listing: ClassVar[int] = 1
    """How many pages are requested up to the first of the listing, including those of a login."""

    def __init__(self, options: ConnectorOptions) -> None:
        self._feed = options.feed
        self._url = options.base_url
        self._max_file_bytes = options.max_file_bytes
        self._clock = options.clock
        self._client = HttpClient(options.policy)

    @property
    def parallel_downloads(self) -> int:
        """See `Portal.parallel_downloads`."""
        return self._client.policy.parallel

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """See `Portal.list_files`."""
        return unique_by_name(self._list_current() if day is None else self._list_day(day))

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """See `Portal.fetch`."""
        yield from self._download(file.link, file)

    def close(self) -> None:
        """See `Portal.close`."""
        self._client.close()

    @abstractmethod
    def _list_current(self) -> Iterable[RemoteFile]:
        """List what the portal shows now. Of several rows with one name the last counts."""

    def _list_day(self, _day: date) -> Iterable[RemoteFile]:
        """List one past day; required if `offers_past_days`."""
        raise past_day_not_offered(self._feed.key)

    def _download(
        self,
        link: str,
        file: RemoteFile,
        *,
        cookies: RequestsCookieJar | None = None,
        classify: Classifier | None = None,
        may_be_message: bool = False,
    ) -> Iterator[bytes]:
        """Stream a file from a link; one without a host is a path of the portal."""
        return self._client.stream(
            link if "://" in link else f"{self._url}{link}",
            file=file,
            max_bytes=self._max_file_bytes,
            cookies=cookies,
            classify=classify,
            may_be_message=may_be_message,
        )

    def _today(self) -> date:
        return day_of(self._clock())
