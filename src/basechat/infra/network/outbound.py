"""Calls of servers outside through aiohttp, with proxies and certificates from the environment."""

import ipaddress
from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from typing import Literal
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from basechat import __version__
from basechat.infra.http import Address, is_in_use, read_bounded

_IN_PIECES_BYTES = 1_048_576
"""A larger body is sent in pieces, as one write of it would hold up the event loop."""
_BROKEN = (aiohttp.ClientError, HttpProcessingError, OSError)
_PERMANENT = (aiohttp.ConnectionTimeoutError, aiohttp.ClientSSLError, aiohttp.InvalidURL, ValueError)


class OutboundError(Exception):
    """A call without a complete answer. `is_permanent`: the same call fails the same way again."""

    def __init__(self, message: str, *, is_permanent: bool = False) -> None:
        super().__init__(message)
        self.is_permanent = is_permanent


class OutboundReply:
    """An answer whose headers have arrived. Its owner must close it."""

    __slots__ = ("_content", "_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        """Names are compared without regard to case."""
        self._response = response
        self._content = response.content

    @property
    def content_type(self) -> str:
        return self._response.content_type.lower()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while part := await self.read():
            yield part

    async def read(self) -> bytes:
        """All bytes that have arrived, at least one; nothing at the end.

        Raises `OutboundError` where the answer breaks off, and the error of `fail`.
        """
        try:
            return await self._content.readany()
        except TimeoutError:
            raise
        except _BROKEN as error:
            if rest := self._unread(error):
                return rest
            raise OutboundError(f"The answer broke off: {error}") from error

    async def read_all(self, limit: int) -> bytes:
        """The whole body. Raises `ValueError` beyond `limit` bytes, and `OutboundError`."""
        body = await read_bounded(self, limit)
        if body.is_cut:
            raise ValueError(f"a body of more than {limit} bytes")
        return body.content

    def fail(self, error: Exception) -> None:
        """Raise an error in `read`."""
        self._content.set_exception(error)

    def close(self) -> None:
        # Close the connection. One whose answer was read to the end already serves other calls.
        self._response.close()

    def _unread(self, error: BaseException) -> bytes:
        """Bytes that arrived before the answer broke off: aiohttp raises the error before it delivers them."""
        self._content.set_exception(None)  # type: ignore[arg-type]  # takes the error back
        try:
            return self._content.read_nowait()
        finally:
            self._content.set_exception(error)


class OutboundClient:
    """Calls one server. It follows no redirects and keeps no cookies."""

    def __init__(self, address: Address) -> None:
        self._base_url = address.base_url
        proxy = None if address.socket_path else proxy_for(address.base_url)
        self._http = address.client(connect_timeout=None, proxy=proxy)

    @property
    def is_in_use(self) -> bool:
        return is_in_use(self._http)

    @property
    def is_closed(self) -> bool:
        return self._http.closed

    async def request(
        self,
        method: Literal["GET", "POST"],
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        connect_seconds: float,
    ) -> OutboundReply:
        """The answer once its headers have arrived; `path` is below the address. Raises `OutboundError`."""
        if self._http.closed:
            raise OutboundError("The client is closed.", is_permanent=True)
        try:
            response = await self._http.request(
                method,
                f"{self._base_url}/{path}",
                data=BytesIO(body) if body and len(body) > _IN_PIECES_BYTES else body,
                headers={"user-agent": f"BaseChat/{__version__}", **headers},
                timeout=aiohttp.ClientTimeout(total=None, connect=connect_seconds),
                allow_redirects=False,
            )
        except aiohttp.ClientHttpProxyError as error:
            raise OutboundError(f"The proxy refuses: {error.status}", is_permanent=error.status < 500) from error
        except (*_BROKEN, ValueError) as error:
            raise OutboundError(str(error), is_permanent=isinstance(error, _PERMANENT)) from error
        return OutboundReply(response)

    async def close(self) -> None:
        await self._http.close()


def proxy_for(base_url: str) -> str | None:
    """The proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name for an address. This machine needs no proxy."""
    url = URL(base_url)
    if _is_loopback(url.raw_host or "") or proxy_bypass(url.host_port_subcomponent or ""):
        return None
    return getproxies().get(url.scheme)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
