"""Portals that drip: never silent, never done. Limits are short here and long in the product."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from gogobe_dagster.errors import Code, CodedError, Trait
from gogobe_dagster.portals.cerberus_ftp import CerberusFtp
from gogobe_dagster.portals.ftp_client import FtpAddress
from gogobe_dagster.portals.http_client import HttpClient
from gogobe_dagster.portals.pace import Pace, TooSlow
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster_tests.portals.conftest import QUICK, options
from gogobe_dagster_tests.portals.servers import Script, drip, says_raw, scripted
from gogobe_dagster_tests.portals.test_cerberus_ftp_replies import NAME, ftp_server

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
LIMIT = 10_000_000
# `drip` sends at most 50 bytes a second; what is not under test is not limited.
LONG = replace(QUICK, listing_timeout=60, download_timeout=60, total_timeout=600)
STRICT = replace(LONG, page_rate=5_000, page_window=0.3, file_rate=5_000, file_window=0.3)


@pytest.fixture
def client() -> Iterator[HttpClient]:
    with closing(HttpClient(STRICT)) as client:
        yield client


def download(client: HttpClient, url: str, size: int | None = None) -> bytes:
    file = RemoteFile(name=NAME, link="", size=size)
    return b"".join(client.stream(url, file=file, max_bytes=LIMIT))


def pour(connection: socket.socket) -> None:
    """Send 64 KB now and then, for ever."""
    while True:
        connection.sendall(bytes(65536))
        time.sleep(0.02)


DRIPS = [
    says_raw(b"H", then=drip),
    says_raw(HEAD, then=drip),
    says_raw(HEAD + b"\r\n", then=drip),
    says_raw(HEAD + b"Content-Length: 9999\r\n\r\n", then=drip),
    says_raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", then=drip),
    says_raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", then=drip),
]
"""In the status, in a header, in the body, and in the size of a chunk."""


@pytest.mark.parametrize("script", DRIPS)
@pytest.mark.parametrize("request_it", [download, lambda client, url: client.request(url)])
def test_what_drips_in_is_given_up_after_one_try(
    client: HttpClient, script: Script, request_it: Callable[[HttpClient, str], object]
) -> None:
    with scripted(script) as server, pytest.raises(CodedError) as caught:
        request_it(client, server.url)

    assert caught.value.code is Code.TOO_SLOW
    assert Trait.RETRY in Code.TOO_SLOW.traits
    assert len(server.requests) == 1


def test_headers_that_never_end_are_given_up() -> None:
    policy = replace(STRICT, page_rate=0, download_timeout=0.2)
    with (
        closing(HttpClient(policy)) as client,
        scripted(says_raw(HEAD, then=drip)) as server,
        pytest.raises(CodedError) as caught,
    ):
        download(client, server.url)

    assert caught.value.code is Code.TOO_SLOW


def test_a_file_must_be_complete_in_time_by_its_size() -> None:
    """Though it comes fast enough: more than its listing says, for ever."""
    policy = replace(STRICT, file_rate=1)
    with (
        closing(HttpClient(policy)) as client,
        scripted(says_raw(HEAD + b"\r\n\x1f\x8b", then=pour)) as server,
        pytest.raises(CodedError, match="not complete after") as caught,
    ):
        download(client, server.url, size=1000)

    assert caught.value.code is Code.TOO_SLOW


def test_a_portal_may_think_before_it_answers_and_a_slow_file_arrives() -> None:
    """At a rate that the two bytes after half a second are below, and the rest is not on a busy machine."""

    def slow(connection: socket.socket) -> None:
        time.sleep(0.5)
        connection.sendall(HEAD + b"Content-Length: 400002\r\n\r\n")
        time.sleep(0.5)
        connection.sendall(b"\x1f\x8b")
        for _ in range(8):
            connection.sendall(bytes(50_000))
            time.sleep(0.1)

    policy = replace(STRICT, page_rate=10, file_rate=10)
    with closing(HttpClient(policy)) as client, scripted(slow) as server:
        assert len(download(client, server.url)) == 400_002


def ftp_portal(address: FtpAddress) -> CerberusFtp:
    return CerberusFtp(options("rami_levy", "", policy=STRICT), locate=lambda: address)


@pytest.mark.parametrize(
    "request_it",
    [CerberusFtp.list_files, lambda portal: list(portal.fetch(RemoteFile(name=NAME, link="")))],
)
def test_what_drips_in_over_ftp_is_given_up(request_it: Callable[[CerberusFtp], object]) -> None:
    with (
        ftp_server({}, drip) as address,
        closing(ftp_portal(address)) as portal,
        pytest.raises(CodedError) as caught,
    ):
        request_it(portal)

    assert caught.value.code is Code.TOO_SLOW


@pytest.mark.parametrize("greeting", [b"2", b"220-hello\r\n", b"220-hello\r\n220-"])
def test_a_reply_over_ftp_that_drips_in_is_given_up(greeting: bytes) -> None:
    drips = says_raw(greeting, then=drip)
    with ftp_server({}, b"", greeting=drips) as address, pytest.raises(CodedError) as caught:
        ftp_portal(address).list_files()

    assert caught.value.code is Code.TOO_SLOW


def test_the_rate_is_measured_in_every_window_from_the_first_byte_on() -> None:
    pace = Pace(rate=100, window=0.05)
    time.sleep(0.1)
    pace.count(1)  # the time before it does not count
    time.sleep(0.06)
    pace.count(100)
    time.sleep(0.06)
    with pytest.raises(TooSlow):
        pace.count(1)
