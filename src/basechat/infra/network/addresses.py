"""Addresses that people and models may reach: the public internet, and no internal network.

The tables are written out because `ipaddress.is_global` changes with the version of Python.
Source: IANA's special-purpose address registries.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from aiohttp.abc import AbstractResolver
from aiohttp.connector import AddrInfoType, TCPConnector
from yarl import URL

Network = IPv4Network | IPv6Network

_CLOSED_4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and metadata of some clouds
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform, which looks public
        "169.254.0.0/16",  # link-local, and metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# Only global unicast is open: not IPv4-mapped, NAT64 (64:ff9b::/96), fc00::/7, fe80::/10, ff00::/8 and so on.
_OPEN_6 = IPv6Network("2000::/3")
_CLOSED_6 = tuple(
    IPv6Network(each)
    for each in (
        "2001::/23",  # Teredo, ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4, which carries any IPv4 address
        "3fff::/20",
    )
)


class RefusedAddressError(OSError):
    """A connection was refused, because its address is not public."""


class RefusedUrlError(Exception):
    """A URL that is not allowed; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPolicy:
    """Addresses and ports that may be reached. `MCP_ALLOW_PRIVATE` allows more for MCP servers, but not for pages."""

    allowed: tuple[Network, ...] = ()
    ports: frozenset[int] | None = frozenset({80, 443})

    def is_open(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.allowed) or _is_public(found)

    def check(self, url: URL) -> None:
        """Raise `RefusedUrlError` for a URL that is not allowed, whatever its name resolves to."""
        if url.scheme not in ("http", "https"):
            raise RefusedUrlError("Only http and https addresses can be used.")
        if not url.host:
            raise RefusedUrlError("This address has no host.")
        if url.user is not None or url.password is not None:
            raise RefusedUrlError("Addresses with a user name or password are not allowed.")
        if self.ports is not None and url.port not in self.ports:
            raise RefusedUrlError("Only the ports 80 and 443 are allowed.")

    def connector(self, resolver: AbstractResolver | None = None, *, keep_seconds: float | None = None) -> TCPConnector:
        """Create a connector that connects only to allowed addresses.

        The check is on the resolved address of the socket itself. So a name that resolves differently the second time
        does not help an attacker. Names are not cached. Connections are closed after use, unless `keep_seconds` is set.
        """
        keep: dict[str, Any] = {"force_close": True}
        if keep_seconds is not None:
            keep = {"keepalive_timeout": keep_seconds, "limit": 0}
        return TCPConnector(resolver=resolver, use_dns_cache=False, socket_factory=self._open_socket, **keep)

    def _open_socket(self, target: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = target
        if not self.is_open(str(address[0])):
            raise RefusedAddressError("not a public address")
        return socket.socket(family, kind, protocol)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_4)
    return address.scope_id is None and address in _OPEN_6 and not any(address in network for network in _CLOSED_6)


def networks(*names: str) -> tuple[Network, ...]:
    """Parse networks such as `127.0.0.0/8`."""
    return tuple(ip_network(name) for name in names)


EVERYWHERE = networks("0.0.0.0/0", "::/0")
