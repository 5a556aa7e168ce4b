"""Cerberus over FTP, against servers that say exactly these replies: lists of all forms, and refusals."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from gogobe_dagster.errors import Code, PortalError
from gogobe_dagster.portals.cerberus_ftp import CerberusFtp
from gogobe_dagster.portals.ftp_client import FtpAddress
from gogobe_dagster.portals.portal import RemoteFile
from gogobe_dagster_tests.portals.conftest import options
from gogobe_dagster_tests.portals.servers import Script, says_raw
from gogobe_dagster_tests.portals.test_faults import fetched


def connector(address: FtpAddress) -> CerberusFtp:
    return CerberusFtp(options("rami_levy", ""), locate=lambda: address)


GREETING = says_raw(b"220 Published Prices Server\r\n")


@contextmanager
def ftp_server(
    replies: dict[str, str],
    data: bytes | Script,
    *,
    greeting: Script = GREETING,
    passive_host: str = "127,0,0,1",
) -> Iterator[FtpAddress]:
    """Say exactly these replies to commands, others are fine; send these data to every transfer."""
    send = says_raw(data) if isinstance(data, bytes) else data
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_server(("127.0.0.1", 0)) as passive,
    ):
        high, low = divmod(passive.getsockname()[1], 256)
        usual = {
            "USER": "331 go on",
            "PASS": "230 in",
            "TYPE": "200 ok",
            "PASV": f"227 ok ({passive_host},{high},{low})",
        }

        def answer(line: socket.socket) -> None:
            with line, line.makefile("r") as commands:
                greeting(line)
                for command in commands:
                    reply = (usual | replies).get(command.split()[0])
                    line.sendall(f"{reply or '150 here it comes'}\r\n".encode())
                    if command.split()[0] in {"MLSD", "LIST", "RETR"}:
                        with passive.accept()[0] as sending:
                            (says_raw(b"") if reply else send)(sending)
                    if reply is None:
                        line.sendall(b"226 done\r\n")

        def serve() -> None:
            while True:
                try:
                    answer(listener.accept()[0])
                except OSError:
                    return

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield FtpAddress(host="127.0.0.1", port=listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


NAME = "PriceFull7290058140886-001-202608110200.gz"


@pytest.mark.parametrize(
    "line",
    [
        f"-rw-r--r--   1 ftp      ftp        402113 Aug 11 02:03 {NAME}",
        f"-rw-r--r--   1 ftp      ftp        402113 Dec 31  2025 {NAME}",
        f"08-11-26  02:03AM               402113 {NAME}",
        f"2026-08-11  02:03 PM       402113 {NAME}",
    ],
)
def test_lists_are_read_as_unix_and_as_windows_print_them(line: str) -> None:
    folders = "drwxr-xr-x   1 ftp ftp 0 Aug 11 02:03 Yuda\r\n08-11-26  02:03AM       <DIR>          Old\r\n"
    with ftp_server({"MLSD": "502 no such command"}, f"total 1\r\n{folders}{line}\r\n".encode()) as address:
        portal = connector(address)

        assert portal.list_files() == [RemoteFile(name=NAME, link=f"ftp:/{NAME}", size=402113)]
        portal.close()


@pytest.mark.parametrize(
    "data",
    [
        b"size=1;modify=20260811020300; Price.gz",
        b"type=file;modify=20260811020300; Price.gz",
        b"type=file;size=1;modify=today; Price.gz",
        b"type=file;size=1;modify=20260811020300;",
        b"<html>",
    ],
)
def test_a_list_that_is_not_as_it_was_is_an_error_and_no_empty_list(data: bytes) -> None:
    with ftp_server({}, data) as address, pytest.raises(PortalError) as caught:
        connector(address).list_files()

    assert caught.value.code is Code.LISTING_SCHEMA_CHANGED


def test_a_name_that_is_not_utf8_is_one_line_of_the_list() -> None:
    with ftp_server({}, b"type=file;size=1;modify=20260811020300; Price\xff.gz") as address:
        portal = connector(address)
        [file] = portal.list_files()
        portal.close()

    assert file.name == "Price\N{REPLACEMENT CHARACTER}.gz"


@pytest.mark.parametrize(
    ("replies", "code"),
    [
        ({"MLSD": "550 no such folder"}, Code.NOT_FOUND),
        ({"MLSD": "425 no data connection"}, Code.HTTP_ERROR),
        ({"USER": "530 Secure connection required", "AUTH": "502 unknown"}, Code.TLS_ERROR),
        ({"PASS": "530 Login incorrect"}, Code.AUTH_FAILED),
        ({"PASS": "421 too many connections"}, Code.PORTAL_UNAVAILABLE),
    ],
)
def test_what_a_server_refuses_has_a_code(replies: dict[str, str], code: Code) -> None:
    with ftp_server(replies, b"") as address, pytest.raises(PortalError) as caught:
        connector(address).list_files()

    assert caught.value.code is code


@pytest.mark.parametrize(
    ("host", "code"), [("127.0.0.1", Code.NO_CONNECTION), ("portal.invalid", Code.DNS_DEAD)]
)
def test_a_server_that_is_not_there_is_an_error_and_no_empty_list(host: str, code: Code) -> None:
    portal = connector(FtpAddress(host=host, port=1))

    with pytest.raises(PortalError) as listing:
        portal.list_files()
    with pytest.raises(PortalError) as download:
        fetched(portal, RemoteFile(name="Price.gz", link=""))

    assert listing.value.code is download.value.code is code
