"""How a portal is reached: straight or through a proxy, and which certificates count. It asks no portal."""

import base64
import logging
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import requests
import urllib3

LOG = logging.getLogger(__name__)
LONGEST_ANSWER = 16 * 1024
END_OF_HEADERS = b"\r\n\r\n"
HTTP_PORT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way to one portal."""

    proxy: str = ""
    """http://user:password@host:port; empty: as the environment says, or straight."""
    ca_bundle: str = ""
    """A file of trusted certificates (PEM) in the place of the usual ones."""
    verifies_tls: bool = True

    def prepare(self, session: requests.Session) -> None:
        """Let a session go this way."""
        if self.proxy:
            session.proxies = {"http": self.proxy, "https": self.proxy}
        if self.ca_bundle:
            session.verify = self.ca_bundle
        if not self.verifies_tls:
            session.verify = False
            # one line of ours for each portal instead of urllib3's for each request
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def tls(self, also_trusted: str = "") -> ssl.SSLContext:
        """Return how this way checks certificates; `also_trusted` is PEM of the portal's own authority."""
        if self.ca_bundle or also_trusted:
            context = ssl.create_default_context(cafile=self.ca_bundle or None, cadata=also_trusted or None)
        else:
            context = ssl.create_default_context()
        if not self.verifies_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def dial(self, host: str, port: int, *, seconds: float) -> socket.socket:
        """Return a connection, through the proxy if there is one. Raises `OSError`."""
        if not self.proxy:
            return socket.create_connection((host, port), seconds)
        proxy = urlsplit(self.proxy)
        sock = socket.create_connection((proxy.hostname, proxy.port or HTTP_PORT), seconds)
        try:
            _tunnel(sock, f"{host}:{port}", proxy.username, proxy.password)
        except BaseException:
            sock.close()
            raise
        return sock

    def warn(self, feed_key: str) -> None:
        """Say loudly that certificates are not checked."""
        if not self.verifies_tls:
            LOG.warning("%s: certificates are not checked (GOGOBE_FEED__…__VERIFY_TLS is off)", feed_key)


def _tunnel(sock: socket.socket, target: str, user: str | None, password: str | None) -> None:
    """Ask a proxy for a tunnel. Its answer is read to its very end: an FTP server speaks first."""
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if user:
        account = f"{unquote(user)}:{unquote(password or '')}".encode()
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(account).decode()}")
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while not answer.endswith(END_OF_HEADERS) and len(answer) < LONGEST_ANSWER:
        byte = sock.recv(1)
        if not byte:
            break
        answer += byte
    status = answer.split(b"\r\n", 1)[0].split()
    if len(status) < 2 or status[1] != b"200":  # noqa: PLR2004 - protocol and status
        said = b" ".join(status).decode("latin-1")
        raise ConnectionRefusedError(f"the proxy gives no tunnel to {target}: {said}")
