"""Bina: 10 chains, each on its own host; a JSON list limited to 1,000 rows (docs/portals.md, Bina)."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import quote

from gogobe_dagster.errors import Code, DownloadError, PortalError
from gogobe_dagster.portals.connector import Connector
from gogobe_dagster.portals.listing_fields import (
    parse_israel_time,
    parse_json_rows,
    parse_name,
    text_field,
)
from gogobe_dagster.portals.portal import RemoteFile

ROW_LIMIT = 1000
KINDS = ("1", "2", "3", "4", "5")  # stores, prices, promotions, full prices, full promotions
ALL_STORES = ""
TIME_FORMAT = "%H:%M %d/%m/%Y"


class Bina(Connector):
    """One chain's host. Kinds are listed one by one, because all kinds together exceed the row limit."""

    offers_past_days = True

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file from its usual path, or from where the portal says it is. See `Portal.fetch`."""
        usual = f"{self._url}{file.link}"
        try:
            yield from self._download(usual, file)
        except DownloadError as error:
            link = self._find_link(file) if error.code is Code.NOT_FOUND else usual
            if link == usual:
                raise
        else:
            return
        yield from self._download(link, file)

    def _list_current(self) -> Iterator[RemoteFile]:
        for kind in KINDS:
            yield from self._list_kind(kind, None)

    def _list_day(self, day: date) -> Iterator[RemoteFile]:
        for kind in KINDS:
            yield from self._list_kind(kind, day)

    def _list_kind(self, kind: str, day: date | None) -> list[RemoteFile]:
        """List a kind; if it reaches the row limit, once more store by store."""
        files = self._list_store(kind, day, ALL_STORES)
        if len(files) < ROW_LIMIT:
            return files
        by_store = [
            file for store in self._store_numbers(files) for file in self._list_store(kind, day, store)
        ]
        missing = {file.name for file in files if _store_number(file.name)} - {file.name for file in by_store}
        if missing:
            reason = f"{len(missing)} files are listed, but not under their store: {min(missing)} …"
            raise PortalError(Code.LISTING_TRUNCATED, reason)
        return files + by_store

    def _list_store(self, kind: str, day: date | None, store: str) -> list[RemoteFile]:
        rows = self._request_rows(
            "/MainIO_Hok.aspx",
            {
                "_": self._feed.query_id or self._feed.chain_id,
                "wReshet": "הכל",
                "WFileType": kind,
                "WDate": f"{day:%d/%m/%Y}" if day else "",
                "WStore": store,
            },
        )
        if store != ALL_STORES and len(rows) >= ROW_LIMIT:
            reason = f"store {store} alone has {ROW_LIMIT} files of kind {kind}"
            raise PortalError(Code.LISTING_TRUNCATED, reason)
        return [self._parse_row(row) for row in rows]

    def _store_numbers(self, files: list[RemoteFile]) -> list[str]:
        """Return the store numbers that the portal names, and those in the listed file names."""
        rows = self._request_rows("/Select_Store.aspx", None)  # requested with a form
        known = {str(row.get("Kod", "")) for row in rows}
        return sorted((known | {_store_number(file.name) for file in files}) - {"", "0"})

    def _find_link(self, file: RemoteFile) -> str:
        """Ask the portal where a file is, as its own page does before every download."""
        rows = self._request_rows("/Download.aspx", {"FileNm": file.name})
        link = text_field(rows[0] if rows else None, "SPath", self._url)
        return link + quote(file.name) if link.endswith("/") else link

    def _request_rows(self, path: str, query: dict[str, str] | None) -> list[dict[str, Any]]:
        form: dict[str, str] | None = {} if query is None else None
        return parse_json_rows(self._client.request(f"{self._url}{path}", query=query, form=form))

    def _parse_row(self, row: dict[str, Any]) -> RemoteFile:
        name = text_field(row, "FileNm", self._url)
        return RemoteFile(
            name=name,
            link=f"/Download/{quote(name)}",
            modified_at=parse_israel_time(text_field(row, "DateFile", self._url), TIME_FORMAT, self._url),
            label=str(row.get("Store") or ""),
        )


def _store_number(name: str) -> str:
    parsed = parse_name(name)
    return str(parsed.store_id or "") if parsed else ""
