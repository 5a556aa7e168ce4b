"""Bina: 10 chains, each on its own host; a JSON list limited to 1,000 rows (docs/portals.md, Bina)."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import quote

from gogobe_dagster.errors import Code, DownloadError, PortalError, UnknownFileName
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.files.names import FileName
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.http import Client, Manners
from gogobe_dagster.portals.listing import field, israel_time, named_once, rows_of

CAP = 1000
KINDS = ("1", "2", "3", "4", "5")  # stores, prices, promotions, full prices, full promotions
EVERY_STORE = ""
WRITTEN = "%H:%M %d/%m/%Y"


class Bina:
    """One chain's host."""

    manners = Manners()
    offers_past_days = True

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

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List kind by kind, because all kinds together meet the cap. See `Portal.list_files`."""
        return named_once(file for kind in KINDS for file in self._of_kind(kind, day))

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file. See `Portal.fetch`."""
        direct = f"{self._url}{file.link}"
        try:
            yield from self._client.stream(direct, file=file, limit=self._limit)
        except DownloadError as error:
            elsewhere = self._place(file) if error.code is Code.NOT_FOUND else direct
            if elsewhere == direct:
                raise
        else:
            return
        yield from self._client.stream(elsewhere, file=file, limit=self._limit)

    def close(self) -> None:
        """Give back sockets. Idempotent."""
        self._client.close()

    def _of_kind(self, kind: str, day: date | None) -> list[RemoteFile]:
        files = self._ask(kind, day, EVERY_STORE)
        if len(files) < CAP:
            return files
        by_store = [file for store in self._stores(files) for file in self._ask(kind, day, store)]
        missed = {file.name for file in files if _store(file.name)} - {file.name for file in by_store}
        if missed:
            reason = f"{len(missed)} files are listed, but not under their store: {min(missed)} …"
            raise PortalError(Code.LISTING_TRUNCATED, reason)
        return files + by_store

    def _ask(self, kind: str, day: date | None, store: str) -> list[RemoteFile]:
        rows = self._rows(
            "/MainIO_Hok.aspx",
            {
                "_": self._feed.query_id or self._feed.chain_id,
                "wReshet": "הכל",
                "WFileType": kind,
                "WDate": f"{day:%d/%m/%Y}" if day else "",
                "WStore": store,
            },
        )
        if store != EVERY_STORE and len(rows) >= CAP:
            raise PortalError(Code.LISTING_TRUNCATED, f"store {store} alone has {CAP} files of kind {kind}")
        return [self._file(row) for row in rows]

    def _stores(self, files: list[RemoteFile]) -> list[str]:
        """Return the store numbers that the portal knows, and those in the names that it showed."""
        # The list of stores is asked for by a form.
        known = {str(row.get("Kod", "")) for row in self._rows("/Select_Store.aspx", None)}
        return sorted((known | {_store(file.name) for file in files}) - {"", "0"})

    def _place(self, file: RemoteFile) -> str:
        """Ask the portal where a file lies; its own page does so before every download."""
        rows = self._rows("/Download.aspx", {"FileNm": file.name})
        path = field(rows[0] if rows else None, "SPath", self._url)
        return path + quote(file.name) if path.endswith("/") else path

    def _rows(self, path: str, query: dict[str, str] | None) -> list[dict[str, Any]]:
        url = f"{self._url}{path}"
        form: dict[str, str] | None = {} if query is None else None
        return rows_of(self._client.patiently(lambda: self._client.ask(url, query=query, form=form)))

    def _file(self, row: dict[str, Any]) -> RemoteFile:
        name = field(row, "FileNm", self._url)
        return RemoteFile(
            name=name,
            link=f"/Download/{quote(name)}",
            modified_at=israel_time(field(row, "DateFile", self._url), WRITTEN, self._url),
            label=str(row.get("Store") or ""),
        )


def _store(name: str) -> str:
    try:
        store_id = FileName.parse(name).store_id
    except UnknownFileName:
        return ""
    return str(store_id or "")
