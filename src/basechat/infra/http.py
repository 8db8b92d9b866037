"""HTTP between services and to providers: one client for TCP addresses and Unix sockets."""

from dataclasses import dataclass

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

_SCHEME = "unix:"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service is: a base URL, and the Unix socket it is reached through, if any."""

    base_url: str
    socket_path: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `http://host:port` or `unix:/path`."""
        if text.startswith(_SCHEME):
            return cls("http://localhost", text.removeprefix(_SCHEME))
        return cls(text.rstrip("/"))

    def client(self, *, connections: int = 0, connect_timeout: float = 5.0) -> aiohttp.ClientSession:
        """Return a client for this address; 0 connections means no bound. Reading has no time limit of its own."""
        connector: aiohttp.BaseConnector = (
            _UnixConnector(path=self.socket_path, limit=connections, keepalive_timeout=60)
            if self.socket_path
            else _TCPConnector(limit=connections, keepalive_timeout=60)
        )
        timeout = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=connect_timeout, sock_read=None)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"accept-encoding": "identity"},  # streams are relayed as they come
        )


class _CountingConnector(aiohttp.BaseConnector):
    """Knows how many connections are in use, so that a client can be closed when its last call has ended."""

    in_use = 0

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        self.in_use += 1
        connection.add_callback(self._let_go)
        return connection

    def _let_go(self) -> None:
        self.in_use -= 1


class _TCPConnector(_CountingConnector, aiohttp.TCPConnector):
    pass


class _UnixConnector(_CountingConnector, aiohttp.UnixConnector):
    pass


def is_in_use(http: aiohttp.ClientSession) -> bool:
    """Return whether a client of an `Address` is answered something at the moment."""
    connector = http.connector
    return isinstance(connector, _CountingConnector) and connector.in_use > 0


async def read_at_most(content: aiohttp.StreamReader, limit: int) -> bytes:
    """Return a whole body; raises ValueError beyond `limit` bytes."""
    parts, size = [], 0
    async for part in content.iter_any():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise ValueError(f"a body of more than {limit} bytes")
    return b"".join(parts)
