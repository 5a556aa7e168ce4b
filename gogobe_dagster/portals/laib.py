"""Laib (Matrix, Nibit): 3 chains on one host; a JSON list of today's files (docs/portals.md, Laib)."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.http_errors import was_reset
from gogobe_dagster.portals.listing_fields import (
    parse_israel_time,
    parse_json_rows,
    parse_rounded_size,
    text_field,
)
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.request_policy import RequestPolicy

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


class Laib(Connector):
    """One chain of the portal. It tries long before it fails, because a list may be empty for minutes."""

    policy = RequestPolicy(attempts=5, first_wait=5, longest_wait=60)

    def _list_current(self) -> Iterator[RemoteFile]:
        """List all stores with one request; an empty list is an error."""
        try:
            rows = self._client.with_retries(self._request_rows)
        except PortalError as error:
            if not was_reset(error):
                raise
            reason = f"{error.reason}; the portal resets callers outside Israel"
            raise PortalError(Code.GEO_BLOCKED, reason) from error
        return (self._parse_row(row) for row in rows)

    def _request_rows(self) -> list[dict[str, Any]]:
        # Not by store: the same files come back for several stores.
        url, query = f"{self._url}/webapi/api/getfiles", {"edi": self._feed.chain_id}
        rows = parse_json_rows(self._client.request(url, query=query, retry=False))
        if not rows:
            raise PortalError(Code.LISTING_EMPTY_UNEXPECTED, f"{self._feed.key}: the list is empty")
        return rows

    def _parse_row(self, row: dict[str, Any]) -> RemoteFile:
        # `fileType` is not read: it changed its case in 2026, and the name says the kind.
        name = text_field(row, "fileName", self._url)
        size, slack = parse_rounded_size(text_field(row, "fileSize", self._url), self._url)
        return RemoteFile(
            name=name,
            link=f"/webapi/{self._feed.chain_id}/{quote(name)}",
            size=size,
            size_tolerance=slack,
            modified_at=parse_israel_time(text_field(row, "fileDate", self._url), TIME_FORMAT, self._url),
            label=str(row.get("branchNumber") or ""),
        )
