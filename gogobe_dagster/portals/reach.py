"""Which hosts and addresses the requests of a feed may reach.

Links, redirects and DNS records are a portal's words: without limits, they could make this machine send
requests to itself and to the network that it stands in (server-side request forgery).
"""

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

ANY_PUBLIC_HOST = "*"
PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
SHOWN_LENGTH = 100


class ForbiddenHost(OSError):
    """A request would leave the hosts of its portal, or reach a private address. Nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The hosts of one feed."""

    domains: Collection[str]
    """Hosts, each with its subdomains; `ANY_PUBLIC_HOST` for a portal whose files may be anywhere."""
    configured: Collection[tuple[str, int]] = ()
    """Host and port from a setting; only these may have private addresses."""

    def check(self, url: str) -> None:
        """Raise `ForbiddenHost` if a request to the URL would leave the hosts of the feed."""
        host, port = host_and_port(url)
        if not ((host, port) in self.configured or self._is_ours(host)):
            raise ForbiddenHost(f"{host[:SHOWN_LENGTH]!r} is none of the portal's hosts")

    def addresses(self, host: str, port: int) -> list[str]:
        """Resolve a host to the addresses that may be connected to. Raises `ForbiddenHost`, `OSError`."""
        if (host.lower(), port) in self.configured:
            return resolve(host, port)
        return public_addresses(host, port)

    def _is_ours(self, host: str) -> bool:
        if ANY_PUBLIC_HOST in self.domains and "." in host and _is_public(host, unless_address=True):
            return True
        return any(host == domain or host.endswith(f".{domain}") for domain in self.domains)


def own_domain(url: str) -> str:
    """Return the part of a portal's host that its subdomains share: all below belongs to one company."""
    labels = host_and_port(url)[0].split(".")
    if labels[-1] == "com":
        return ".".join(labels[-2:])
    return ".".join(labels[-3:] if labels[-2:] == ["co", "il"] else labels)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order in which they are tried. Raises `socket.gaierror`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def public_addresses(host: str, port: int) -> list[str]:
    """Return the public ones of a host's addresses. Raises `ForbiddenHost` if there are only others."""
    found = resolve(host, port)
    public = [address for address in found if _is_public(address)]
    if not public:
        raise ForbiddenHost(f"{host[:SHOWN_LENGTH]!r} has no public address, but {found[0]}")
    return public


def _is_public(address: str, *, unless_address: bool = False) -> bool:
    """Whether an address is that of a server on the internet; a name counts as `unless_address`."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return unless_address
    inner = _embedded(parsed) if isinstance(parsed, ipaddress.IPv6Address) else parsed
    return inner.is_global and not inner.is_multicast


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the IPv4 address to which packets for an IPv6 address go in the end, if it has one inside."""
    if address in NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def host_and_port(url: str) -> tuple[str, int]:
    """Return host and port of a URL. Raises `ForbiddenHost` if it has no host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        host, port = None, 0
    if not host:
        raise ForbiddenHost("an address without a host")
    return host.rstrip("."), port
