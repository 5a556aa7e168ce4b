"""Laib (Matrix, Nibit): 3 chains on one host; a JSON list of today's files (docs/portals.md, Laib)."""

from datetime import date
from typing import Any
from urllib.parse import quote

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.http import Manners
from gogobe_dagster.portals.http_errors import was_reset
from gogobe_dagster.portals.listing import field, israel_time, named_once, rounded_size, rows_of

WRITTEN = "%Y-%m-%d %H:%M:%S"


class Laib(Connector):
    """One chain of the portal. It waits long before it gives up: a list is empty for minutes at times."""

    manners = Manners(tries=5, first_wait=5, longest_wait=60)

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List all branches in one question. See `Portal.list_files`; here an empty list is an error."""
        self._refuse(day)
        try:
            rows = self._client.patiently(self._rows)
        except PortalError as error:
            if not was_reset(error):
                raise
            reason = f"{error.reason}; so the portal answers callers outside Israel"
            raise PortalError(Code.GEO_BLOCKED, reason) from error
        return named_once(self._file(row) for row in rows)

    def _rows(self) -> list[dict[str, Any]]:
        # Not by branch: the same files come back for several branches.
        url = f"{self._url}/webapi/api/getfiles"
        rows = rows_of(self._client.ask(url, query={"edi": self._feed.chain_id}))
        if not rows:
            raise PortalError(Code.LISTING_EMPTY_UNEXPECTED, f"{self._feed.key}: the list is empty")
        return rows

    def _file(self, row: dict[str, Any]) -> RemoteFile:
        # `fileType` is not read: it changed its case in 2026, and the name says the kind.
        name = field(row, "fileName", self._url)
        size, slack = rounded_size(field(row, "fileSize", self._url), self._url)
        return RemoteFile(
            name=name,
            link=f"/webapi/{self._feed.chain_id}/{quote(name)}",
            size=size,
            size_slack=slack,
            modified_at=israel_time(field(row, "fileDate", self._url), WRITTEN, self._url),
            label=str(row.get("branchNumber") or ""),
        )
