"""How `requests` opens connections: to the hosts of the feed only, and read at a least pace.

What is checked is the address that is connected to. A check before it would be worth nothing: a name can
resolve to another address the second time.
"""

import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from gogobe_dagster.portals.pace import PacedSocket
from gogobe_dagster.portals.reach import Reach
from gogobe_dagster.portals.request_policy import RequestPolicy


class _Connection(HTTPConnection):
    """What is the same over HTTP and HTTPS. `policy` and `reach` are set by `LimitedAdapter`."""

    policy: RequestPolicy
    reach: Reach | None

    def _new_conn(self) -> Any:
        """Connect to the first address that may be connected to and answers."""
        if self.reach is None or self.proxy:  # a proxy resolves names by itself
            return super()._new_conn()
        name, error = self.host, Exception()
        for address in self._addresses(self.reach):
            self.host = address
            try:
                return super()._new_conn()
            except (ConnectTimeoutError, NewConnectionError) as failed:
                error = failed
            finally:
                self.host = name
        raise error

    def _addresses(self, reach: Reach) -> list[str]:
        try:
            return reach.addresses(self.host, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error

    def connect(self) -> None:
        """Connect; whatever is read then has a least pace, headers and the sizes of chunks included."""
        super().connect()
        self.sock: Any = PacedSocket(self.sock, self.policy.head_pace)

    def getresponse(self) -> Any:
        """Read status and headers, which have to be complete in time; the body has other limits."""
        response = super().getresponse()
        if self.sock is not None and self.sock.pace is not None:
            self.sock.pace.begin_body()
        return response


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class LimitedAdapter(HTTPAdapter):
    """Sends requests, also those that a redirect asks for, within the reach of a policy."""

    def __init__(self, policy: RequestPolicy) -> None:
        """Open no connection yet."""
        self._policy = policy
        super().__init__(pool_maxsize=policy.parallel)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the connections of this adapter limited ones."""
        super().init_poolmanager(*arguments, **options)
        self._limit(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Likewise those through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        self._limit(manager)
        return manager

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Send a request. Raises `ForbiddenHost`, and as `requests` does."""
        if self._policy.network.reach:
            self._policy.network.reach.check(str(request.url))
        return super().send(request, *arguments, **options)

    def _limit(self, manager: PoolManager) -> None:
        limits = {"policy": self._policy, "reach": self._policy.network.reach}
        http = type("Connection", (_Connection,), limits)
        https = type("TlsConnection", (_TlsConnection,), limits)
        manager.pool_classes_by_scheme = {
            "http": type("Pool", (HTTPConnectionPool,), {"ConnectionCls": http}),
            "https": type("TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": https}),
        }
