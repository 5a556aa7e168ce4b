"""Where a portal's words can lead: to its own hosts, and to no private address, on real sockets."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from gogobe_dagster.errors import Code, CodedError, PortalError
from gogobe_dagster.feeds.registry import FEEDS, find_feed
from gogobe_dagster.portals.cerberus_ftp import CerberusFtp
from gogobe_dagster.portals.factory import open_portal
from gogobe_dagster.portals.ftp_client import FtpAddress
from gogobe_dagster.portals.http_client import HttpClient
from gogobe_dagster.portals.network import NetworkOptions
from gogobe_dagster.portals.portal import Portal, RemoteFile
from gogobe_dagster.portals.reach import ForbiddenHost, Reach, own_domain, public_addresses
from gogobe_dagster.settings import Settings
from gogobe_dagster_tests.portals.conftest import QUICK, options
from gogobe_dagster_tests.portals.servers import ScriptedServer, says, scripted
from gogobe_dagster_tests.portals.test_cerberus_ftp_replies import NAME as FTP_NAME
from gogobe_dagster_tests.portals.test_cerberus_ftp_replies import ftp_server

FEED = "mishnat_yosef_worker"
NAME = "PriceFull5144744100002-001-202608110300.gz"
SECRET = b"\x1f\x8b what only this machine may read"
FTP_ROW = f"type=file;size=1;modify=20260811020300; {FTP_NAME}".encode()


@pytest.fixture
def inside() -> Iterator[ScriptedServer]:
    """A server in the network of this machine, which no portal should reach through it."""
    with scripted(says(SECRET)) as server:
        yield server


def connector(server: ScriptedServer, **override: str) -> Portal:
    """A feed whose portal is the server, by a setting, and whose files may be on any public host."""
    settings = Settings.model_validate({"feed": {FEED: {"base_url": server.url, **override}}})
    return open_portal(find_feed(FEED), settings, policy=QUICK)


def links_to(*links: str) -> bytes:
    return json.dumps([{"name": NAME, "url": link} for link in links]).encode()


def refused(server: ScriptedServer, **override: str) -> CodedError:
    """List a portal and download the file that it lists; return the error of either."""
    with closing(connector(server, **override)) as portal:
        try:
            for file in portal.list_files():
                list(portal.fetch(file))
        except CodedError as error:
            return error
    raise AssertionError("nothing was refused")


HOSTS = [
    "127.0.0.1",
    "localhost",
    "localhost.",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0.0.0.0",  # noqa: S104 - it means this machine
    "prices.example@127.0.0.1",
    "127.0.0.1%2f.prices.example@127.0.0.1",
]
"""Spellings of this machine."""


@pytest.mark.parametrize("host", HOSTS)
def test_a_link_to_this_machine_is_not_followed(inside: ScriptedServer, host: str) -> None:
    link = f"http://{host}:{inside.url.rpartition(':')[2]}/{NAME}"

    with scripted(says(links_to(link))) as server:
        error = refused(server)

    assert error.code is Code.FOREIGN_HOST
    assert inside.requests == []


@pytest.mark.parametrize("asked_first", [True, False])
def test_a_redirect_to_this_machine_is_not_followed(inside: ScriptedServer, *, asked_first: bool) -> None:
    """Neither of a listing nor of a file."""
    moved = says(b"", f"Location: {inside.url}/", status="302 Found")

    with scripted(moved) as server:
        if asked_first:
            server.answer(0, says(links_to(f"{server.url}/{NAME}")))
            server.then(moved)
        error = refused(server)

    assert error.code is Code.FOREIGN_HOST
    assert "\x1f" not in error.reason
    assert inside.requests == []


def test_a_host_that_a_setting_allows_must_have_a_public_address(inside: ScriptedServer) -> None:
    """As if its name, which was public yesterday, led to this machine today."""
    link = f"http://localhost:{inside.url.rpartition(':')[2]}/{NAME}"

    with scripted(says(links_to(link))) as server:
        error = refused(server, hosts="files.example, localhost")

    assert error.code is Code.FOREIGN_HOST
    assert "no public address" in error.reason
    assert inside.requests == []


def test_a_link_is_not_followed_through_a_proxy_either(inside: ScriptedServer) -> None:
    link = f"{inside.url}/{NAME}"

    with scripted(says(links_to(link)), says(SECRET)) as proxy:
        error = refused(proxy, proxy=proxy.url)

    assert error.code is Code.FOREIGN_HOST
    assert len(proxy.requests) == 1, "the listing"


def test_files_come_from_the_portal_that_a_setting_names() -> None:
    with scripted(says(b"")) as server:
        server.answer(0, says(links_to(f"{server.url}/{NAME}")))
        server.then(says(SECRET))

        with closing(connector(server)) as portal:
            [file] = portal.list_files()
            assert b"".join(portal.fetch(file)) == SECRET


def test_a_name_that_does_not_resolve_is_still_dead() -> None:
    network = NetworkOptions(reach=Reach(domains={"portal.invalid"}))

    with (
        closing(HttpClient(replace(QUICK, network=network))) as client,
        pytest.raises(PortalError) as caught,
    ):
        client.request("http://portal.invalid/", retry=False)

    assert caught.value.code is Code.DNS_DEAD


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_real_ftp_server_that_leads_to_this_machine_is_not_connected_to(host: str) -> None:
    policy = replace(QUICK, network=NetworkOptions(reach=Reach(domains={"publishedprices.co.il"})))
    with ftp_server({}, FTP_ROW) as address:
        there = FtpAddress(host=host, port=address.port)
        portal = CerberusFtp(options("rami_levy", "", policy=policy), locate=lambda: there)
        with pytest.raises(PortalError) as caught:
            portal.list_files()

        assert caught.value.code is Code.FOREIGN_HOST
        configured = replace(there, is_configured=True)
        with closing(
            CerberusFtp(options("rami_levy", "", policy=policy), locate=lambda: configured)
        ) as portal:
            assert [file.name for file in portal.list_files()] == [FTP_NAME]


def test_the_host_in_a_reply_to_pasv_is_not_connected_to() -> None:
    """192.0.2.1 is an address of nobody (RFC 5737): a connection to it would fail."""
    with ftp_server({}, FTP_ROW, passive_host="192,0,2,1") as address:
        portal = CerberusFtp(options("rami_levy", ""), locate=lambda: address)
        assert [file.name for file in portal.list_files()] == [FTP_NAME]
        portal.close()


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "0.0.0.0",  # noqa: S104 - an address that must be refused
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a00:1",
    ],
)
def test_an_address_that_is_not_on_the_internet_is_refused(address: str) -> None:
    with pytest.raises(ForbiddenHost):
        public_addresses(address, 443)


@pytest.mark.parametrize("address", ["8.8.8.8", "2a00:1450:4028:804::200e", "64:ff9b::808:808"])
def test_an_address_on_the_internet_is_not(address: str) -> None:
    assert public_addresses(address, 443) == [address]


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.key)
def test_every_feed_reaches_its_own_portal_and_no_other(feed: object) -> None:
    known = find_feed(str(getattr(feed, "key", "")))
    reach = Reach(domains={own_domain(known.base_url), *known.file_hosts})

    reach.check(f"{known.base_url}/x")
    for host in ("127.0.0.1", "metadata", f"{own_domain(known.base_url)}.evil", "10.0.0.1:80"):
        if known.file_hosts != ("*",) or not host.endswith(".evil"):
            with pytest.raises(ForbiddenHost):
                reach.check(f"https://{host}/x")


@pytest.mark.parametrize(
    ("feed", "link", "reaches"),
    [
        ("shufersal", "https://pricesprodpublic.blob.core.windows.net/pricefull/x.gz", True),
        ("shufersal", "https://evil.blob.core.windows.net/pricefull/x.gz", False),
        ("hazi_hinam", "https://hazihinamprod01.blob.core.windows.net/regulatories/x.gz", True),
        ("king_store", "http://kingstore.binaprojects.com/Download/x.gz", True),
        ("rami_levy", "https://url.retail.publishedprices.co.il/file/d/x.gz", True),
        ("rami_levy", "https://publishedprices.co.il.evil.com/file/d/x.gz", False),
        ("rami_levy", "https://evil.co.il/file/d/x.gz", False),
        ("city_market_shops", "https://citymarket-shops.co.il/downloadFile/1", True),
        (FEED, "https://files.example.com/x.gz", True),
    ],
)
def test_links_that_portals_have_shown_are_reached(feed: str, link: str, *, reaches: bool) -> None:
    known = find_feed(feed)
    reach = Reach(domains={own_domain(known.base_url), *known.file_hosts})

    if reaches:
        reach.check(link)
    else:
        with pytest.raises(ForbiddenHost):
            reach.check(link)


def test_a_file_is_named_in_no_error_of_another_host() -> None:
    """The reason names where the portal pointed, and nothing that was answered."""
    with scripted(says(links_to("http://127.0.0.1:1/x?token=geheim"))) as server:
        error = refused(server)

    assert "geheim" not in error.reason
    assert "'127.0.0.1' is none of the portal's hosts" in error.reason


def test_a_remote_file_without_a_host_is_a_path_of_the_portal(inside: ScriptedServer) -> None:
    with closing(connector(inside)) as portal:
        assert b"".join(portal.fetch(RemoteFile(name=NAME, link=f"/{NAME}"))) == SECRET
