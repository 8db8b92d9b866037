"""HTTP to the web: a client without cookies and proxies, and the kinds of its failures."""

from collections.abc import Mapping
from enum import Enum, auto

import aiohttp
from aiohttp.abc import AbstractResolver as Resolver
from aiohttp.client import ClientResponse as WebResponse
from aiohttp.client import ClientSession as WebClient

from basechat.infra.network.addresses import NetworkPolicy, RefusedAddressError

WEB_ERRORS = (aiohttp.ClientError, OSError, UnicodeError)

__all__ = ["WEB_ERRORS", "Resolver", "WebClient", "WebFailure", "WebResponse", "failure_of", "web_client"]


class WebFailure(Enum):
    """Kinds of failures."""

    REFUSED_ADDRESS = auto()
    UNKNOWN_NAME = auto()
    TLS = auto()
    UNREACHABLE = auto()
    PROTOCOL = auto()
    """The connection broke, or the answer is not HTTP. The server may have received the request."""


def web_client(
    *,
    headers: Mapping[str, str] | None = None,
    policy: NetworkPolicy | None = None,
    resolver: Resolver | None = None,
    keep_seconds: float | None = None,
) -> WebClient:
    # Create a client that does not decompress bodies. Without a policy it connects to every address.
    return WebClient(
        connector=policy.connector(resolver, keep_seconds=keep_seconds) if policy else None,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
        trust_env=False,
    )


def failure_of(error: Exception) -> WebFailure:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, RefusedAddressError):
        return WebFailure.REFUSED_ADDRESS
    if isinstance(error, aiohttp.ClientConnectorDNSError | aiohttp.InvalidURL | UnicodeError):
        return WebFailure.UNKNOWN_NAME
    if isinstance(error, aiohttp.ClientSSLError):
        return WebFailure.TLS
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return WebFailure.UNREACHABLE
    return WebFailure.PROTOCOL
