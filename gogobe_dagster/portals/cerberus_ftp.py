"""Cerberus over FTP, plain or with TLS (docs/portals.md, Cerberus over FTP).

When this transport is used is decided in `cerberus_fallback` and `factory`.
"""

import ftplib
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from gogobe_dagster.clock import ISRAEL
from gogobe_dagster.portals.connector import ConnectorOptions
from gogobe_dagster.portals.download_stream import (
    START_BYTES,
    check_is_file,
    check_size,
    check_start,
    read_at_least,
)
from gogobe_dagster.portals.ftp_client import FtpAddress, FtpClient, FtpConnection
from gogobe_dagster.portals.ftp_errors import UNKNOWN_COMMAND, ftp_errors, listing_error
from gogobe_dagster.portals.http_client import HttpClient
from gogobe_dagster.portals.http_errors import download_error
from gogobe_dagster.portals.listing_fields import (
    parse_json,
    past_day_not_offered,
    schema_changed,
    text_field,
    unique_by_name,
)
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.portals.request_policy import RequestPolicy, with_retries

SERVER = FtpAddress(host="url.retail.publishedprices.co.il", port=21)
SCHEME: Final = "ftp:"
TIME_FORMAT = "%Y%m%d%H%M%S"
UNIX_ROW = re.compile(r"(?P<type>[-dl])\S+ +\d+ +\S+ +\S+ +(?P<size>\d+) +\w+ +\d+ +[\d:]+ (?P<name>.+)")
DOS_ROW = re.compile(r"[\d/-]+ +\d+:\d+ ?[AP]M +(?P<size>\d+|<DIR>) +(?P<name>.+)", re.IGNORECASE)


class CerberusFtp:
    """One account; see `Portal`."""

    policy = RequestPolicy(listing_timeout=300, page_window=300)  # the server writes a long list slowly
    offers_past_days = False

    def __init__(
        self, options: ConnectorOptions, *, locate: Callable[[], FtpAddress] = lambda: SERVER
    ) -> None:
        """Open no connection yet; `locate` returns the server's address when it is first needed."""
        self._feed = options.feed
        self._max_file_bytes = options.max_file_bytes
        self._policy = options.policy
        self._client = FtpClient(options.feed, locate=locate, policy=options.policy)

    @property
    def parallel_downloads(self) -> int:
        """See `Portal.parallel_downloads`."""
        return self._policy.parallel

    def list_files(self, day: date | None = None) -> list[RemoteFile]:
        """See `Portal.list_files`."""
        if day is not None:
            raise past_day_not_offered(self._feed.key)
        until = monotonic() + self._policy.budget
        return unique_by_name(with_retries(self._policy, self._list_folder, until=until))

    def fetch(self, file: RemoteFile) -> Iterator[bytes]:
        """See `Portal.fetch`; also for a file that the web listed."""
        path = self._path(file.name)
        with self._client.connection() as connection:
            url = f"{self._client.url}{path}"
            with ftp_errors(url, download_error):
                timeout = self._policy.download_timeout
                pace = self._policy.file_pace(file.size)
                chunks = connection.receive(f"RETR {path}", kind="I", read_timeout=timeout, pace=pace)
                start = read_at_least(chunks, START_BYTES)
                check_start(url, start)
                check_is_file(url, start)
                yield from check_size(url, start, chunks, file=file, max_bytes=self._max_file_bytes)

    def close(self) -> None:
        """See `Portal.close`."""
        self._client.close()

    def _path(self, name: str) -> str:
        return f"{self._feed.folder.rstrip('/')}/{name}"

    def _list_folder(self) -> list[RemoteFile]:
        """List by MLSD where the server has it, else by LIST."""
        with self._client.connection() as connection, ftp_errors(self._client.url, listing_error):
            try:
                rows = self._read_rows(connection, "MLSD")
            except ftplib.error_perm as refusal:
                if not str(refusal).startswith(UNKNOWN_COMMAND):
                    raise
                rows = self._read_rows(connection, "LIST")
                return [file for row in rows for file in self._parse_list_row(row)]
            return [file for row in rows for file in self._parse_mlsd_row(row)]

    def _read_rows(self, connection: FtpConnection, command: str) -> list[str]:
        timeout = self._policy.listing_timeout
        command = f"{command} {self._feed.folder}"
        pace = self._policy.page_pace()
        chunks = connection.receive(command, kind="A", read_timeout=timeout, pace=pace)
        return [row for row in b"".join(chunks).decode("utf-8", "replace").splitlines() if row]

    def _parse_mlsd_row(self, row: str) -> Iterator[RemoteFile]:
        """Parse `type=file;size=402113;modify=20260810230300; PriceFull….gz`; skip folders."""
        text, _, name = row.partition(" ")
        facts = {key.lower(): value for key, _, value in (fact.partition("=") for fact in text.split(";"))}
        kind = facts.get("type", "").lower()
        if kind in {"dir", "cdir", "pdir"}:
            return
        if kind != "file" or not name or not facts.get("size", "").isdecimal():
            raise schema_changed(self._client.url, "a row of an unknown format", row)
        yield self._file(name, int(facts["size"]), self._parse_time(facts.get("modify", "")))

    def _parse_time(self, text: str) -> datetime:
        """Parse UTC (RFC 3659) to the minute: with seconds, each file would differ from the web's listing."""
        try:
            time = datetime.strptime(text.partition(".")[0], TIME_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            raise schema_changed(self._client.url, f"a time that is not {TIME_FORMAT}", text) from None
        return time.astimezone(ISRAEL).replace(second=0)

    def _parse_list_row(self, row: str) -> Iterator[RemoteFile]:
        """Parse a row of `ls -l` or DIR. Their times have no zone, and no year or no seconds: not used."""
        if row.startswith("total "):
            return
        found = UNIX_ROW.fullmatch(row) or DOS_ROW.fullmatch(row)
        if found is None:
            raise schema_changed(self._client.url, "a row of an unknown format", row)
        if found["size"].isdecimal() and found.groupdict().get("type", "-") == "-":
            yield self._file(found["name"], int(found["size"]), None)

    def _file(self, name: str, size: int, modified_at: datetime | None) -> RemoteFile:
        return RemoteFile(name=name, link=f"{SCHEME}{self._path(name)}", size=size, modified_at=modified_at)


def parse_address(url: str) -> FtpAddress:
    """Return the address in a setting: ftp://host:port."""
    parts = urlsplit(url)
    port = parts.port or ftplib.FTP_PORT
    return FtpAddress(host=parts.hostname or "", port=port, is_configured=True)


def address_in_replica(replica_url: str, policy: RequestPolicy) -> FtpAddress:
    """Ask a replica for the address and the authority of its FTP server. Raises `PortalError`."""
    with closing(HttpClient(policy)) as client:
        response = client.request(f"{replica_url.rstrip('/')}/control/ftp", retry=False)
    server = parse_json(response)
    address = parse_address(text_field(server, "url", replica_url))
    authority = text_field(server, "authority", replica_url)
    return replace(address, authority=authority)
