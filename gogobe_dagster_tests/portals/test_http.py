"""Every way in which a page or a file can fail has its own code, on real sockets."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from gogobe_dagster.errors import Code, CodedError, DownloadError, PortalError
from gogobe_dagster.feeds.feed_settings import FeedOverride
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.portals.download_stream import CHUNK_BYTES, START_BYTES
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.portals.http_client import HttpClient
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.portals.conftest import QUICK
from gogobe_dagster_tests.portals.servers import (
    Script,
    drip,
    reset,
    says,
    says_raw,
    scripted,
    stay_silent,
)

SHORT = replace(
    QUICK,
    listing_timeout=2,
    download_timeout=2,
    total_timeout=5,
    longest_wait=0.02,
    page_window=1,
    file_window=1,
)
LIMIT = 1_000_000
MILK = b"\x1f\x8b" + bytes(range(256)) * 1000
PAGE = b"<!DOCTYPE html><html><body><form id='login-form'></form></body></html>"
CHALLENGE = b"<html><head><title>Just a moment...</title></head></html>"
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@pytest.fixture
def client() -> Iterator[HttpClient]:
    client = HttpClient(SHORT)
    yield client
    client.close()


def a_file(size: int | None = None, slack: int = 0) -> RemoteFile:
    return RemoteFile(name="PriceFull.gz", link="", size=size, size_tolerance=slack)


def fetched(client: HttpClient, url: str, file: RemoteFile | None = None) -> bytes:
    return b"".join(client.stream(url, file=file or a_file(), max_bytes=LIMIT))


def test_a_file_comes_as_served_and_in_small_chunks(client: HttpClient) -> None:
    with scripted(says(MILK)) as server:
        chunks = list(client.stream(server.url, file=a_file(len(MILK)), max_bytes=LIMIT))

    assert b"".join(chunks) == MILK
    assert max(map(len, chunks)) <= START_BYTES + CHUNK_BYTES


def test_a_file_is_asked_for_unpacked_by_a_browser_and_kept_packed(client: HttpClient) -> None:
    with scripted(says(MILK, "Content-Encoding: gzip")) as server:
        assert fetched(client, server.url) == MILK

    assert "Accept-Encoding: identity" in server.requests[0]
    assert "User-Agent: Mozilla/5.0" in server.requests[0]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (says(MILK, length=len(MILK) + 1), Code.TRUNCATED_DOWNLOAD),
        (says(b"", length=9), Code.TRUNCATED_DOWNLOAD),
        (says_raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\n<ml>\r\n"), Code.TRUNCATED_DOWNLOAD),
        (says_raw(HEAD + b"Content-Length: 9\r\n\r\n<ml>", then=stay_silent), Code.CONNECTION_LOST),
        (says_raw(HEAD + b"Content-Length: 9999\r\n\r\n", then=drip), Code.TOO_SLOW),
        (reset, Code.CONNECTION_LOST),
        (stay_silent, Code.CONNECTION_LOST),
        (says_raw(b""), Code.CONNECTION_LOST),
        (says(b""), Code.ZERO_BYTE),
        (says(PAGE), Code.HTML_INSTEAD_OF_FILE),
        (says(b"\xef\xbb\xbf\r\n <HTML>"), Code.HTML_INSTEAD_OF_FILE),
        (says(b"<?xml version='1.0'?>\n<!-- IIS --><!DOCTYPE html>"), Code.HTML_INSTEAD_OF_FILE),
        (says(CHALLENGE), Code.BOT_CHALLENGE),
        (says(CHALLENGE, status="403 Forbidden"), Code.BOT_CHALLENGE),
        (says(b"", status="247 Odd"), Code.BOT_CHALLENGE),
        (says(b"gone", status="404 Not Found"), Code.NOT_FOUND),
        (says(b"gone", status="410 Gone"), Code.NOT_FOUND),
        (says(b"no", status="403 Forbidden"), Code.HTTP_ERROR),
        (says(b"busy", status="429 Too Many Requests"), Code.RATE_LIMITED),
        (says(b"busy", status="503 Service Unavailable"), Code.PORTAL_UNAVAILABLE),
        (says(b'{"error": "busy"}'), Code.MESSAGE_INSTEAD_OF_FILE),
        (says(b"<?xml version='1.0'?><Error><Code>ServerBusy</Code></Error>"), Code.MESSAGE_INSTEAD_OF_FILE),
        (says("<?xml version='1.0'?><error/>".encode("utf-16")), Code.MESSAGE_INSTEAD_OF_FILE),
        (says(b"<s:Envelope><s:Body><s:Fault>no</s:Fault>"), Code.MESSAGE_INSTEAD_OF_FILE),
        (says(b"Please try again later"), Code.MESSAGE_INSTEAD_OF_FILE),
        (says(PAGE, status="500 Internal Server Error"), Code.HTTP_ERROR),
        (says(b"<ml>", status="204 No Content"), Code.HTTP_ERROR),
        (says(b"", length=LIMIT + 1), Code.TRUNCATED_DOWNLOAD),
        (says(b"<ml>", length=LIMIT + 1), Code.TRUNCATED_DOWNLOAD),
        (says(bytes(LIMIT + 1)), Code.TOO_LARGE),
        (says_raw(HEAD + b"\r\n" + bytes(LIMIT + 1)), Code.TOO_LARGE),
        (says(b"", "Location: http://127.0.0.1:1/", status="302 Found"), Code.NO_CONNECTION),
        (says(b"", "Location: /again", status="302 Found"), Code.HTTP_ERROR),
        (says(b"", "Location: ftp://127.0.0.1/", status="302 Found"), Code.HTTP_ERROR),
        (says_raw(b"nonsense\r\n\r\n"), Code.CONNECTION_LOST),
    ],
)
def test_a_failed_download_has_the_code_of_its_cause(client: HttpClient, script: Script, code: Code) -> None:
    with scripted(script) as server, pytest.raises(CodedError) as caught:
        fetched(client, server.url)

    assert caught.value.code is code
    assert server.url in caught.value.reason


@pytest.mark.parametrize(
    "start",
    [
        b"\x1f\x8b and so on",
        b"PK\x03\x04 and so on",
        b"\xef\xbb\xbf\r\n<?xml version='1.0'?><Root>",
        "<Root><Message/>".encode("utf-16"),
        b"<Envelope><Header><ErrorCount>0</ErrorCount>",
        b"\0" * 20,
    ],
)
def test_archives_and_documents_are_no_messages(client: HttpClient, start: bytes) -> None:
    with scripted(says(start)) as server:
        assert fetched(client, server.url) == start


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["Retry-After: 120"], 120),
        (["Retry-After: 0"], 0),
        (["Retry-After: soon"], None),
        (["Date: Sun, 29 Nov 2026 22:00:00 GMT", "Retry-After: Sun, 29 Nov 2026 22:05:00 GMT"], 300),
        (["Date: Sun, 29 Nov 2026 22:00:00 GMT", "Retry-After: Sun, 29 Nov 2026 21:00:00 GMT"], 0),
    ],
)
def test_a_portal_says_in_seconds_or_as_a_date_how_long_to_leave_it_alone(
    client: HttpClient, headers: list[str], seconds: int | None
) -> None:
    with scripted(says(b"", *headers, status="429 Too Many Requests")) as server:
        with pytest.raises(PortalError) as of_file:
            fetched(client, server.url)
        with pytest.raises(PortalError) as of_page:
            client.request(server.url, retry=False)

    expected = None if seconds is None else timedelta(seconds=seconds)
    assert (of_file.value.retry_after, of_page.value.retry_after) == (expected, expected)


@pytest.mark.parametrize(("seconds", "requests"), [("0", 3), ("60", 1)])
def test_a_page_is_asked_for_again_only_if_the_portal_asks_for_a_short_wait(
    client: HttpClient, seconds: str, requests: int
) -> None:
    with scripted(says(b"", f"Retry-After: {seconds}", status="503 Busy")) as server:
        with pytest.raises(PortalError):
            client.request(server.url)

        assert len(server.requests) == requests


def test_a_redirect_to_the_login_page_is_no_file(client: HttpClient) -> None:
    to_login = says(b"", "Location: /login", status="302 Found")
    with scripted(to_login, says(PAGE)) as server, pytest.raises(DownloadError, match="/login") as caught:
        fetched(client, server.url)

    assert caught.value.code is Code.HTML_INSTEAD_OF_FILE


@pytest.mark.parametrize(
    ("listed", "slack", "is_whole"),
    [(4, 0, True), (5, 0, False), (5, 1, True), (1028, 1023, False), (3, 0, True)],
)
def test_a_file_shorter_than_listed_is_cut_off(
    client: HttpClient, *, listed: int, slack: int, is_whole: bool
) -> None:
    """A longer one was published again since, and is whole."""
    with scripted(says_raw(HEAD + b"\r\n<ml>")) as server:
        if is_whole:
            assert fetched(client, server.url, a_file(listed, slack)) == b"<ml>"
            return
        with pytest.raises(DownloadError, match=f"4 bytes, the listing says {listed}") as caught:
            fetched(client, server.url, a_file(listed, slack))

    assert caught.value.code is Code.TRUNCATED_DOWNLOAD


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://no-such-portal.invalid/", Code.DNS_DEAD),
        ("http://127.0.0.1:1/", Code.NO_CONNECTION),
        ("http://[broken/", Code.HTTP_ERROR),
    ],
)
def test_a_portal_out_of_reach_is_said_of_the_portal_and_not_of_the_file(
    client: HttpClient, url: str, code: Code
) -> None:
    with pytest.raises(CodedError) as of_file:
        fetched(client, url)
    with pytest.raises(PortalError) as of_page:
        client.request(url, retry=False)

    assert of_file.value.code is of_page.value.code is code
    assert isinstance(of_file.value, PortalError) is (code is not Code.HTTP_ERROR)


def test_a_portal_without_tls_is_a_tls_error(client: HttpClient) -> None:
    with scripted(says(MILK)) as server, pytest.raises(PortalError) as caught:
        client.request(server.url.replace("http:", "https:"))

    assert caught.value.code is Code.TLS_ERROR
    assert not caught.value.retry


@pytest.mark.parametrize("bad", [reset, stay_silent, says(b"busy", status="503 Busy"), says(b"", length=5)])
def test_a_page_is_asked_for_again_after_a_failure_that_passes(
    client: HttpClient, bad: Script, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted(bad, bad, says(b"[]")) as server:
        answer = client.request(server.url)

    assert answer.body == b"[]"
    assert [record.getMessage().split(" s: ")[0].split()[:3] for record in caplog.records] == [
        ["trying", "again", "in"]
    ] * 2
    assert all(server.url in record.getMessage() for record in caplog.records)
    assert len(server.requests) == SHORT.attempts == 3


@pytest.mark.parametrize(
    ("script", "code", "requests"),
    [
        (says(b"busy", status="503 Busy"), Code.PORTAL_UNAVAILABLE, 3),
        (reset, Code.CONNECTION_LOST, 3),
        (says(b"", status="404 Not Found"), Code.NOT_FOUND, 1),
        (says(CHALLENGE, status="503 Busy"), Code.BOT_CHALLENGE, 1),
    ],
)
def test_a_page_is_asked_for_again_only_where_waiting_helps(
    client: HttpClient, script: Script, code: Code, requests: int
) -> None:
    with scripted(script) as server:
        with pytest.raises(PortalError) as caught:
            client.request(server.url)

        assert caught.value.code is code
        assert len(server.requests) == requests


def test_a_file_is_never_asked_for_twice(client: HttpClient) -> None:
    """What was streamed cannot be taken back: the caller starts again."""
    with scripted(says(b"busy", status="503 Busy")) as server:
        with pytest.raises(PortalError):
            fetched(client, server.url)

        assert len(server.requests) == 1


def test_secrets_of_a_link_stay_out_of_the_reason(client: HttpClient) -> None:
    with scripted(says(b"", status="403 Forbidden")) as server, pytest.raises(DownloadError) as caught:
        fetched(client, f"{server.url}/PriceFull.gz?sig=secret")

    assert "PriceFull.gz" in caught.value.reason
    assert "secret" not in caught.value.reason


def test_a_reader_who_stops_early_leaves_no_connection_behind(client: HttpClient) -> None:
    with scripted(says_raw(HEAD + b"\r\n" + MILK, then=stay_silent)) as server:
        stream = client.stream(server.url, file=a_file(), max_bytes=LIMIT)
        next(stream)
        stream.close()  # type: ignore[attr-defined] # a generator, as the test needs it

    assert len(server.requests) == 1


def test_cookies_of_a_portal_are_not_kept_by_the_client(client: HttpClient) -> None:
    with scripted(says(b"{}", "Set-Cookie: cftpSID=1; Path=/")) as server:
        client.request(server.url)
        client.request(server.url)

    assert "Cookie" not in server.requests[1]


def test_a_user_agent_and_a_contact_of_ones_own_are_sent() -> None:
    with scripted(says(b"nothing that a listing would be")) as server:
        settings = Settings(
            user_agent="prices.example.org/1.0",
            contact="prices@example.org",
            feed={"wolt_market": FeedOverride(base_url=server.url)},
        )
        with (
            closing(open_portal(find_feed("wolt_market"), settings, policy=SHORT)) as portal,
            pytest.raises(PortalError),
        ):
            portal.list_files()

    assert "User-Agent: prices.example.org/1.0" in server.requests[0]
    assert "From: prices@example.org" in server.requests[0]
