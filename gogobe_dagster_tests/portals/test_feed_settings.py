"""Per-feed settings over real sockets: certificates, proxies, accounts, addresses."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme
import uvicorn

from gogobe_dagster.errors import Code, PortalError, SettingsError
from gogobe_dagster.feeds.registry import find_feed
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.portals.portal import Portal
from gogobe_dagster.replica.app import build_app
from gogobe_dagster.replica.publication import Publications
from gogobe_dagster.replica.server import Replica
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.portals.conftest import QUICK, names_of_a_day, publication
from gogobe_dagster_tests.portals.test_faults import fetched, publish


def portal(feed: str, replica_url: str, **override: Any) -> Portal:
    settings = Settings.model_validate({"replica_url": replica_url, "feed": {feed: override}})
    return open_portal(find_feed(feed), settings, policy=QUICK)


def names(portal: Portal) -> list[str]:
    try:
        return sorted(file.name for file in portal.list_files())
    finally:
        portal.close()


@contextmanager
def over_https(feed: str, authority: trustme.CA, folder: Path) -> Iterator[str]:
    """The replica behind HTTPS, with a certificate that this authority signed."""
    chain = authority.issue_cert("127.0.0.1")
    chain.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    app = build_app({feed: Publications(publication(name) for name in names_of_a_day(feed))})
    config = uvicorn.Config(
        app, ssl_certfile=str(folder / "server.pem"), lifespan="off", log_level="critical"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("feed", ["king_store", "rami_levy"])
def test_a_certificate_counts_by_its_bundle_or_not_at_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, feed: str
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with over_https(feed, authority, tmp_path) as url:
        with pytest.raises(PortalError) as refused:
            names(portal(feed, url))
        by_bundle = names(portal(feed, url, ca_bundle=tmp_path / "ca.pem"))
        assert "not checked" not in caplog.text
        with caplog.at_level(logging.WARNING):
            unchecked = names(portal(feed, url, verify_tls=False))

    assert refused.value.code is Code.TLS_ERROR
    assert by_bundle == unchecked == sorted(names_of_a_day(feed))
    assert f"{feed}: certificates are not checked" in caplog.text


def test_a_bundle_that_is_not_the_portals_is_no_help(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "another.pem"))
    with over_https("king_store", trustme.CA(), tmp_path) as url, pytest.raises(PortalError) as refused:
        names(portal("king_store", url, ca_bundle=tmp_path / "another.pem"))

    assert refused.value.code is Code.TLS_ERROR


class Proxy:
    """A forwarding proxy on loopback, for http:// and CONNECT, that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.accounts: set[str] = set()

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            Thread(target=self._answer, args=(caller,), daemon=True).start()

    def _answer(self, caller: socket.socket) -> None:
        head = ""
        while not head.endswith("\r\n\r\n"):
            received = caller.recv(1)
            if not received:
                caller.close()
                return  # it asked for nothing
            head += received.decode("latin-1")
        method, target, _ = head.split("\r\n", 1)[0].split()
        self.asked.append(f"{method} {target}")
        self.accounts |= {line for line in head.splitlines() if line.startswith("Proxy-Authorization")}
        host, _, port = (target if method == "CONNECT" else target.split("/")[2]).partition(":")
        with caller, socket.create_connection((host, int(port))) as there:
            if method == "CONNECT":
                caller.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = "/" + target.split("/", 3)[3]
                there.sendall(head.replace(target, path, 1).replace("keep-alive", "close").encode())
            back = Thread(target=_pump, args=(there, caller), daemon=True)
            back.start()
            _pump(caller, there)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # one side has gone
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def a_proxy() -> Iterator[tuple[Proxy, str]]:
    proxy = Proxy()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=proxy.serve, args=(listener,), daemon=True)
        thread.start()
        yield proxy, f"http://shopper:milk@127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_the_web_is_reached_through_the_feeds_own_proxy(replica: Replica) -> None:
    publish(replica, "king_store")
    with a_proxy() as (proxy, url):
        through = portal("king_store", replica.url, proxy=url)
        [file, *_] = through.list_files()
        content = fetched(through, file)
        through.close()

    assert content == publication(file.name).read()
    assert any(f"GET {replica.url}/bina/kingstore/Download/" in line for line in proxy.asked)
    assert len(proxy.accounts) == 1


@pytest.mark.parametrize("feed", ["super_yuda", "dor_alon"])
def test_ftp_goes_through_the_proxy_with_its_commands_and_its_data(replica: Replica, feed: str) -> None:
    publish(replica, feed)
    with a_proxy() as (proxy, url):
        through = portal(feed, replica.url, proxy=url, transport="ftp")
        [file, *_] = through.list_files()
        content = fetched(through, file)
        through.close()

    assert content == publication(file.name).read()
    tunnels = [line for line in proxy.asked if line.startswith("CONNECT")]
    assert f"CONNECT {replica.ftp_url.removeprefix('ftp://')}" in tunnels
    assert len(set(tunnels)) == 3  # commands, the list, the file


def test_a_proxy_that_is_not_there_is_no_connection(replica: Replica) -> None:
    for feed, transport in (("king_store", "auto"), ("rami_levy", "ftp")):
        through = portal(feed, replica.url, proxy="http://127.0.0.1:1", transport=transport)
        with pytest.raises(PortalError) as caught:
            names(through)
        assert caught.value.code is Code.NO_CONNECTION


@pytest.mark.parametrize("transport", ["web", "ftp"])
def test_another_user_and_password_log_in(replica: Replica, transport: str) -> None:
    """With Osher Ad's account, Keshet's connector sees Osher Ad's folder."""
    publish(replica, "osher_ad")
    known = find_feed("osher_ad")

    listed = names(
        portal("keshet", replica.url, transport=transport, user=known.account, password=known.password)
    )
    with pytest.raises(PortalError) as refused:
        names(portal("osher_ad", replica.url, transport=transport, password="milk"))

    assert listed == sorted(names_of_a_day("osher_ad"))
    assert refused.value.code is Code.AUTH_FAILED


def test_one_feed_can_have_its_portal_elsewhere(replica: Replica) -> None:
    publish(replica, "king_store")
    publish(replica, "rami_levy")
    nowhere = "http://127.0.0.1:1"

    web = portal("king_store", nowhere, base_url=f"{replica.url}/bina/kingstore/")

    assert names(web) == sorted(names_of_a_day("king_store"))
    with pytest.raises(PortalError):
        names(portal("king_store", nowhere))


WRONG = [
    ("RAMI_LEVI__PROXY", "http://proxy:1", ["FEED__RAMI_LEVI=", "did you mean 'rami_levy'?"]),
    (
        "RAMI_LEVY__PROXI",
        "http://proxy:1",
        ["FEED__RAMI_LEVY__PROXI=", "accepted are: base_url", "ca_bundle"],
    ),
    ("RAMI_LEVY__TRANSPORT", "back", ["FEED__RAMI_LEVY__TRANSPORT='back'", "'web' or 'ftp'"]),
    ("SHUFERSAL__TRANSPORT", "ftp", ["GOGOBE_FEED", "shufersal cannot be reached over FTP"]),
    ("KESHET__CA_BUNDLE", "/no/such.pem", ["FEED__KESHET__CA_BUNDLE=", "not point to a file"]),
]


@pytest.mark.parametrize(("variable", "value", "accepted"), WRONG)
def test_a_wrong_variable_is_named_with_what_is_accepted(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, accepted: list[str]
) -> None:
    monkeypatch.setenv(f"GOGOBE_FEED__{variable}", value)

    with pytest.raises(SettingsError) as wrong:
        Settings.read()

    assert all(text in str(wrong.value) for text in accepted), wrong.value


def test_json_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_FEED", "keshet")

    with pytest.raises(SettingsError, match="GOGOBE_FEED: not a JSON"):
        Settings.read()


def test_variables_and_json_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_FEED__RAMI_LEVY__VERIFY_TLS", "no")
    monkeypatch.setenv("GOGOBE_FEED", '{"keshet": {"password": "milk"}}')

    settings = Settings.read()

    assert not settings.for_feed("rami_levy").verify_tls
    assert settings.for_feed("keshet").password == "milk"
    assert settings.for_feed("shufersal").password is None


def test_a_wrong_password_or_proxy_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOBE_FEED__KESHET__PROXY", "shopper:secret@proxy:1")

    with pytest.raises(SettingsError) as wrong:
        Settings.read()

    assert "GOGOBE_FEED__KESHET__PROXY" in str(wrong.value)
    assert "secret" not in str(wrong.value)
