"""Cerberus over FTP, plain or with TLS (docs/portals.md, Cerberus over FTP).

When this transport is used is decided in `cerberus_fallback` and `factory`.
"""

import ftplib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.feeds.registry import Feed
from gogobe_dagster.portals.base import RemoteFile
from gogobe_dagster.portals.download_stream import START, check_start, counted, gather
from gogobe_dagster.portals.ftp import FtpClient, FtpPlace, Line
from gogobe_dagster.portals.ftp_errors import NO_SUCH_COMMAND, ftp_failures, listing_failure
from gogobe_dagster.portals.http import Client, Manners, patiently
from gogobe_dagster.portals.http_errors import file_failure
from gogobe_dagster.portals.listing import field, json_of, named_once, schema_changed

SERVER = FtpPlace(host="url.retail.publishedprices.co.il", port=21)
SCHEME: Final = "ftp:"
WRITTEN = "%Y%m%d%H%M%S"
UNIX_LINE = re.compile(r"(?P<type>[-dl])\S+ +\d+ +\S+ +\S+ +(?P<size>\d+) +\w+ +\d+ +[\d:]+ (?P<name>.+)")
DOS_LINE = re.compile(r"[\d/-]+ +\d+:\d+ ?[AP]M +(?P<size>\d+|<DIR>) +(?P<name>.+)", re.IGNORECASE)


class CerberusFtp:
    """One account."""

    manners = Manners(listing=300)  # the server writes a long list slowly: docs/portals.md, Requests
    offers_past_days = False

    def __init__(
        self,
        feed: Feed,
        *,
        limit: int,
        find: Callable[[], FtpPlace] = lambda: SERVER,
        manners: Manners | None = None,
    ) -> None:
        """Open nothing yet. `limit` is the most bytes of one file; `find` says where the server is."""
        self._feed = feed
        self._limit = limit
        self._manners = manners or self.manners
        self._client = FtpClient(feed, find=find, manners=self._manners)

    @property
    def parallel_downloads(self) -> int:
        """How many files at once."""
        return self._manners.parallel

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """List the account's folder. See `Portal.list_files`."""
        if day is not None:
            raise PortalError(Code.PAST_DAY_NOT_OFFERED, f"{self._feed.key} shows only what it has now")
        return named_once(patiently(self._manners, self._list, until=monotonic() + self._manners.budget))

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """Stream a file, whichever door listed it. See `Portal.fetch`."""
        path = self._path(file.name)
        with self._client.line() as line, ftp_failures(f"{self._client.url}{path}", file_failure):
            url = f"{self._client.url}{path}"
            chunks = line.receive(f"RETR {path}", kind="I", silence=self._manners.download)
            start = gather(chunks, START)
            check_start(url, start)
            yield from counted(url, start, chunks, file=file, limit=self._limit)

    def close(self) -> None:
        """Give back sockets. Idempotent."""
        self._client.close()

    def _path(self, name: str) -> str:
        return f"{self._feed.folder.rstrip('/')}/{name}"

    def _list(self) -> list[RemoteFile]:
        with self._client.line() as line, ftp_failures(self._client.url, listing_failure):
            try:
                rows = self._lines(line, "MLSD")
            except ftplib.error_perm as refusal:
                if not str(refusal).startswith(NO_SUCH_COMMAND):
                    raise
                return [file for row in self._lines(line, "LIST") for file in self._of_list(row)]
            return [file for row in rows for file in self._of_mlsd(row)]

    def _lines(self, line: Line, command: str) -> list[str]:
        chunks = line.receive(f"{command} {self._feed.folder}", kind="A", silence=self._manners.listing)
        return [row for row in b"".join(chunks).decode().splitlines() if row]

    def _of_mlsd(self, row: str) -> Iterator[RemoteFile]:
        """Read `type=file;size=402113;modify=20260810230300; PriceFull….gz`; folders are no files."""
        written, _, name = row.partition(" ")
        facts = {key.lower(): value for key, _, value in (fact.partition("=") for fact in written.split(";"))}
        kind = facts.get("type", "").lower()
        if kind in {"dir", "cdir", "pdir"}:
            return
        if kind != "file" or not name or not facts.get("size", "").isdecimal():
            raise schema_changed(self._client.url, "a row of no known form", row)
        yield self._file(name, int(facts["size"]), self._moment(facts.get("modify", "")))

    def _moment(self, text: str) -> datetime:
        """Read UTC (RFC 3659), to the minute: as the web door tells it, or each file would seem changed."""
        try:
            moment = datetime.strptime(text.partition(".")[0], WRITTEN).replace(tzinfo=UTC)
        except ValueError:
            raise schema_changed(self._client.url, f"a time that is not {WRITTEN}", text) from None
        return moment.astimezone(ISRAEL).replace(second=0)

    def _of_list(self, row: str) -> Iterator[RemoteFile]:
        """Read a line as `ls -l` or DIR print it. Their times have no zone, and no year or no seconds."""
        if row.startswith("total "):
            return
        found = UNIX_LINE.fullmatch(row) or DOS_LINE.fullmatch(row)
        if found is None:
            raise schema_changed(self._client.url, "a row of no known form", row)
        if found["size"].isdecimal() and found.groupdict().get("type", "-") == "-":
            yield self._file(found["name"], int(found["size"]), None)

    def _file(self, name: str, size: int, modified_at: datetime | None) -> RemoteFile:
        return RemoteFile(name=name, link=f"{SCHEME}{self._path(name)}", size=size, modified_at=modified_at)


def place_of(url: str) -> FtpPlace:
    """Return the place that a setting names: ftp://host:port."""
    parts = urlsplit(url)
    return FtpPlace(host=parts.hostname or "", port=parts.port or ftplib.FTP_PORT)


def place_in_replica(replica_url: str, manners: Manners) -> FtpPlace:
    """Ask a replica where its FTP side is and whom to trust there. Raises `PortalError`."""
    client = Client(manners)
    try:
        said = json_of(client.ask(f"{replica_url.rstrip('/')}/control/ftp"))
    finally:
        client.close()
    place = place_of(field(said, "url", replica_url))
    return FtpPlace(host=place.host, port=place.port, authority=field(said, "authority", replica_url))
