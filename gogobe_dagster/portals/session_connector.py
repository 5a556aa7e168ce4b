"""The base class of connectors to portals that recognize a caller by a session, with or without a login."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

import requests
from requests.cookies import RequestsCookieJar

from gogobe_dagster.errors import Code, CodedError
from gogobe_dagster.portals.connector import Connector, ConnectorOptions
from gogobe_dagster.portals.portal import RemoteFile


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalSession:
    """A session that the portal accepted."""

    pages: requests.Session
    """For pages, by one thread at a time: each page may change its cookie jar."""
    cookies: RequestsCookieJar
    """For downloads, by any thread: a copy that nothing changes."""


class SessionConnector(Connector):
    """A connector that opens a session when it first needs one, and another when the portal has ended it."""

    def __init__(self, options: ConnectorOptions) -> None:
        super().__init__(options)
        self._session_lock = Lock()
        self._session: PortalSession | None = None

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """See `Portal.fetch`."""
        session = self._current_session()
        try:
            yield from self._download_in(session, file)
        except CodedError as error:
            if error.code is not Code.SESSION_EXPIRED:
                raise
        else:
            return
        renewed = self._renewed_session(session)
        self._find_again(file, renewed)
        yield from self._download_in(renewed, file)

    def close(self) -> None:
        """See `Portal.close`."""
        if self._session:
            self._session.pages.close()
        super().close()

    @abstractmethod
    def _open_session(self) -> PortalSession:
        """Open a session, or log in. Runs under a lock: threads share one session. Raises `PortalError`."""

    @abstractmethod
    def _download_in(self, session: PortalSession, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file within a session. Raises `SESSION_EXPIRED` before the first chunk if it has ended."""

    def _find_again(self, file: RemoteFile, session: PortalSession) -> None:
        """Find a file's new link in a new session, where links end with the session."""

    def _current_session(self) -> PortalSession:
        with self._session_lock:
            if self._session is None:
                self._session = self._open_session()
            return self._session

    def _renewed_session(self, expired: PortalSession) -> PortalSession:
        """Return a newer session than `expired`; only the first of several threads opens one."""
        with self._session_lock:
            if self._session is expired:
                expired.pages.close()
                self._session = None
        return self._current_session()
