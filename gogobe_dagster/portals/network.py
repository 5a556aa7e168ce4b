"""How a portal is reached: directly or through a proxy, which certificates are trusted, and as whom."""

import base64
import logging
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import requests
import urllib3

from gogobe_dagster.portals.reach import Reach, public_addresses, resolve

LOG = logging.getLogger(__name__)
MAX_PROXY_RESPONSE = 16 * 1024
END_OF_HEADERS = b"\r\n\r\n"
HTTP_PORT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """Proxy, certificates and names for one portal."""

    proxy: str = ""
    """http://user:password@host:port; empty: as the environment says, or none."""
    ca_bundle: str = ""
    """A PEM file of trusted certificates that replaces the usual ones."""
    verifies_tls: bool = True
    user_agent: str = ""
    """Empty: a browser's."""
    contact: str = ""
    """A mail address for the header From (RFC 9110); empty: none."""
    reach: Reach | None = None
    """Which hosts requests may reach; None: all, for a connector that no feed was opened with."""

    def configure(self, session: requests.Session) -> None:
        """Apply these options to a session."""
        headers = {"User-Agent": self.user_agent, "From": self.contact}
        session.headers.update({name: value for name, value in headers.items() if value})
        if self.proxy:
            session.proxies = {"http": self.proxy, "https": self.proxy}
        if self.ca_bundle:
            session.verify = self.ca_bundle
        if not self.verifies_tls:
            session.verify = False
            # One line of ours per portal replaces urllib3's warning per request.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def tls_context(self, extra_authority: str = "") -> ssl.SSLContext:
        """Return how certificates are verified; `extra_authority` is the PEM of one more authority."""
        if self.ca_bundle or extra_authority:
            context = ssl.create_default_context(
                cafile=self.ca_bundle or None, cadata=extra_authority or None
            )
        else:
            context = ssl.create_default_context()
        if not self.verifies_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def connect(self, host: str, port: int, *, timeout: float, may_be_private: bool = True) -> socket.socket:
        """Return a connection, through the proxy if there is one. Raises `OSError` and `ForbiddenHost`."""
        if not self.proxy:
            addresses = resolve(host, port) if may_be_private else public_addresses(host, port)
            return _connect_to_first(addresses, port, timeout)
        proxy = urlsplit(self.proxy)
        sock = socket.create_connection((proxy.hostname, proxy.port or HTTP_PORT), timeout)
        try:
            _open_tunnel(sock, f"{host}:{port}", proxy.username, proxy.password)
        except BaseException:
            sock.close()
            raise
        return sock

    def warn_if_unverified(self, feed_key: str) -> None:
        """Log a warning if certificates are not verified."""
        if not self.verifies_tls:
            LOG.warning("%s: certificates are not checked (GOGOBE_FEED__…__VERIFY_TLS is off)", feed_key)


def _connect_to_first(addresses: Sequence[str], port: int, timeout: float) -> socket.socket:
    """Connect to the first address that answers, each within the timeout."""
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout)
    return socket.create_connection((addresses[-1], port), timeout)


def _open_tunnel(sock: socket.socket, target: str, user: str | None, password: str | None) -> None:
    """Ask a proxy for a tunnel. Reads not a byte after its response: an FTP server speaks first."""
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if user:
        account = f"{unquote(user)}:{unquote(password or '')}".encode()
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(account).decode()}")
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    response = b""
    while not response.endswith(END_OF_HEADERS) and len(response) < MAX_PROXY_RESPONSE:
        byte = sock.recv(1)
        if not byte:
            break
        response += byte
    status = response.split(b"\r\n", 1)[0].split()
    if len(status) < 2 or status[1] != b"200":  # noqa: PLR2004 - protocol and status
        text = b" ".join(status).decode("latin-1")
        raise ConnectionRefusedError(f"the proxy gives no tunnel to {target}: {text}")
