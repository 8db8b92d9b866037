"""Posting to one server, over connections that are kept for the next request."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

import aiohappyeyeballs
from yarl import URL

from basechat import __version__
from basechat.infra.http import Address
from basechat.infra.http1.connection import Connection, Reply
from basechat.infra.http1.errors import ConnectTimeoutError, UnreachableError

KEPT_SECONDS = 60.0
_SECOND_FAMILY_SECONDS = 0.25  # as RFC 8305 (Happy Eyeballs) recommends
_ALWAYS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": f"BaseChat/{__version__}"}


class Client:
    """Posts to a server. It follows no redirects, keeps no cookies, and knows no proxies."""

    def __init__(self, address: Address) -> None:
        self._url = URL(address.base_url)
        self._socket_path = address.socket_path
        self._is_closed = False
        self._open: set[Connection] = set()
        self._idle: dict[Connection, asyncio.TimerHandle] = {}

    @property
    def is_in_use(self) -> bool:
        """Whether something is answered at the moment."""
        return len(self._open) > len(self._idle)

    async def post(self, path: str, body: bytes, headers: Mapping[str, str], *, connect_seconds: float) -> Reply:
        """Return the answer when its head is there; `path` is below the address. Raises `HttpError`."""
        head = self._head(path, headers, len(body))
        connection = self._kept() or await self._connect(connect_seconds)
        return await connection.exchange(head, body)

    async def close(self) -> None:
        """Close all connections, whatever they do."""
        self._is_closed = True
        for connection in list(self._open):
            connection.close()

    def _head(self, path: str, headers: Mapping[str, str], size: int) -> bytes:
        said = {
            "host": self._url.host_port_subcomponent or "localhost",
            **_ALWAYS,
            **headers,
            "content-length": str(size),
        }
        lines = "".join([f"{name}: {value}\r\n" for name, value in said.items()])
        return f"POST {self._url.raw_path.rstrip('/')}/{path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")

    def _kept(self) -> Connection | None:
        """Return the connection that was used last, if one is open."""
        while self._idle:
            connection, closing = self._idle.popitem()
            closing.cancel()
            if connection.is_open:
                return connection
        return None

    def _keep(self, connection: Connection) -> None:
        self._idle[connection] = asyncio.get_running_loop().call_later(KEPT_SECONDS, connection.close)

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        if (closing := self._idle.pop(connection, None)) is not None:
            closing.cancel()

    async def _connect(self, seconds: float) -> Connection:
        connection = Connection(idle=self._keep, ended=self._forget)
        self._open.add(connection)
        try:
            async with asyncio.timeout(seconds):
                await self._open_transport(connection)
        except BaseException as error:
            self._forget(connection)
            if isinstance(error, TimeoutError):
                raise ConnectTimeoutError("There was no connection in time.") from error
            if isinstance(error, ssl.SSLError | ssl.CertificateError | ValueError):
                raise UnreachableError(str(error), for_ever=True) from error
            if isinstance(error, OSError):
                raise UnreachableError(str(error)) from error
            raise
        if self._is_closed:
            connection.close()
            raise UnreachableError("The client was closed.", for_ever=True)
        return connection

    async def _open_transport(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        if self._socket_path is not None:
            await loop.create_unix_connection(lambda: connection, self._socket_path)
            return
        host = self._url.raw_host or ""
        found = await loop.getaddrinfo(host, self._url.port, type=socket.SOCK_STREAM)
        sock = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=_SECOND_FAMILY_SECONDS, loop=loop)
        secure = self._url.scheme == "https"
        try:
            await loop.create_connection(
                lambda: connection,
                sock=sock,
                ssl=_tls() if secure else None,
                server_hostname=host if secure else None,
            )
        except BaseException:
            with suppress(OSError):
                sock.close()
            raise


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
