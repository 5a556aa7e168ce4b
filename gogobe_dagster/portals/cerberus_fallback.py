"""A Cerberus account over the web, with FTP as the fallback (docs/portals.md, Cerberus over FTP).

A file is downloaded over the transport that listed it: its link says which. A fallback is logged as a
warning, and the links in the ledger begin with `ftp:`.
"""

import logging
from collections.abc import Iterator
from datetime import date

from gogobe_dagster.errors import PortalError, Trait
from gogobe_dagster.portals.base import Portal, RemoteFile
from gogobe_dagster.portals.cerberus_ftp import SCHEME

LOG = logging.getLogger(__name__)


class CerberusDoors:
    """One account behind two doors."""

    offers_past_days = False

    def __init__(self, key: str, *, web: Portal, ftp: Portal) -> None:
        """Open nothing yet. `key` is the feed's, for the log."""
        self._key = key
        self._web = web
        self._ftp = ftp

    @property
    def parallel_downloads(self) -> int:
        """How many files at once."""
        return min(self._web.parallel_downloads, self._ftp.parallel_downloads)

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List by the web, else by FTP. Raises the web's error, with FTP's beside it, when both fail."""
        try:
            return self._web.list_files(day)
        except PortalError as refused:
            if Trait.OTHER_TRANSPORT not in refused.code.traits:
                raise
            files = self._listed_over_ftp(refused)
        LOG.warning("%s: %d files listed over FTP instead", self._key, len(files))
        return files

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file by the door that listed it. See `Portal.fetch`."""
        yield from (self._ftp if file.link.startswith(SCHEME) else self._web).fetch(file)

    def close(self) -> None:
        """Give back sockets. Idempotent."""
        self._web.close()
        self._ftp.close()

    def _listed_over_ftp(self, refused: PortalError) -> list[RemoteFile]:
        LOG.warning("%s: the web door failed (%s: %s)", self._key, refused.code, refused.reason)
        try:
            files = self._ftp.list_files()
        except PortalError as also:
            reason = f"{refused.reason}; over FTP: {also.code}, {also.reason}"
            raise PortalError(refused.code, reason) from refused
        if not files:
            raise PortalError(refused.code, f"{refused.reason}; over FTP: no file at all") from refused
        return files
