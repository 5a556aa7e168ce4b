"""A Cerberus account over the web, with FTP as the fallback (docs/portals.md, Cerberus over FTP).

A file is downloaded over the transport that listed it: its link says which. A fallback is logged as a
warning, and the links in the ledger begin with `ftp:`.
"""

import logging
from collections.abc import Iterator
from datetime import date

from gogobe_dagster.errors import PortalError, Trait
from gogobe_dagster.portals.cerberus_ftp import SCHEME
from gogobe_dagster.portals.portal import Portal, RemoteFile

LOG = logging.getLogger(__name__)


class CerberusWithFallback:
    """One account over two transports; see `Portal`."""

    offers_past_days = False

    def __init__(self, feed_key: str, *, web: Portal, ftp: Portal) -> None:
        """Take a connector per transport; the key of the feed is for the log."""
        self._feed_key = feed_key
        self._web = web
        self._ftp = ftp

    @property
    def parallel_downloads(self) -> int:
        """See `Portal.parallel_downloads`."""
        return min(self._web.parallel_downloads, self._ftp.parallel_downloads)

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List over the web, else over FTP. If both fail, raises the web's error and names FTP's."""
        try:
            return self._web.list_files(day)
        except PortalError as error:
            if Trait.OTHER_TRANSPORT not in error.code.traits:
                raise
            files = self._list_over_ftp(error)
        LOG.warning("%s: %d files listed over FTP instead", self._feed_key, len(files))
        return files

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """See `Portal.fetch`."""
        yield from (self._ftp if file.link.startswith(SCHEME) else self._web).fetch(file)

    def close(self) -> None:
        """See `Portal.close`."""
        self._web.close()
        self._ftp.close()

    def _list_over_ftp(self, web_error: PortalError) -> list[RemoteFile]:
        LOG.warning(
            "%s: listing over the web failed (%s: %s)", self._feed_key, web_error.code, web_error.reason
        )
        try:
            files = self._ftp.list_files()
        except PortalError as error:
            reason = f"{web_error.reason}; over FTP: {error.code}, {error.reason}"
            raise PortalError(web_error.code, reason) from web_error
        if not files:
            raise PortalError(web_error.code, f"{web_error.reason}; over FTP: no file") from web_error
        return files
