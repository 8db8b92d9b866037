"""HTTP between services and to the outside: clients for TCP addresses and Unix sockets, and bounded bodies."""

import zlib
from collections.abc import AsyncIterable
from dataclasses import dataclass

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

ACCEPTED = "gzip, deflate"
_COMPRESSED = {"gzip", "x-gzip", "deflate"}
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_CHUNK = 65_536
_SCHEME = "unix:"


@dataclass(frozen=True, slots=True)
class Address:
    """Address of a service: a base URL, and the path of its Unix socket, if any."""

    base_url: str
    socket_path: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse `http://host:port` or `unix:/path`."""
        if text.startswith(_SCHEME):
            return cls("http://localhost", text.removeprefix(_SCHEME))
        return cls(text.rstrip("/"))

    def client(
        self, *, connections: int = 0, connect_timeout: float | None = 5.0, proxy: str | None = None
    ) -> aiohttp.ClientSession:
        """Client for this address; 0 connections means no limit. Reading has no timeout."""
        connector: aiohttp.BaseConnector = (
            _UnixConnector(path=self.socket_path, limit=connections, keepalive_timeout=60)
            if self.socket_path
            else _TCPConnector(limit=connections, keepalive_timeout=60)
        )
        timeout = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=connect_timeout, sock_read=None)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            proxy=proxy,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"accept-encoding": "identity"},  # streams are relayed unchanged
        )


class _CountingConnector(aiohttp.BaseConnector):
    """Counts the connections in use, so that a client can be closed after its last call."""

    in_use = 0

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        # aiohttp would read bytes that arrived behind the last answer as the next answer.
        while connection.protocol is not None and connection.protocol.should_close:
            connection.close()
            connection = await super().connect(req, traces, timeout)
        self.in_use += 1
        connection.add_callback(self._count_down)
        return connection

    def _count_down(self) -> None:
        self.in_use -= 1


class _TCPConnector(_CountingConnector, aiohttp.TCPConnector):
    pass


class _UnixConnector(_CountingConnector, aiohttp.UnixConnector):
    pass


def is_in_use(http: aiohttp.ClientSession) -> bool:
    """Whether a client of an `Address` has a call in progress."""
    connector = http.connector
    return isinstance(connector, _CountingConnector) and connector.in_use > 0


class UnreadableBodyError(Exception):
    """The body has an encoding that the request did not accept, or is not valid in its encoding."""


@dataclass(frozen=True, slots=True)
class ResponseBody:
    """The first bytes of a body, and whether there were more."""

    content: bytes
    is_cut: bool


async def read_at_most(content: aiohttp.StreamReader, limit: int) -> bytes:
    """Read a whole body; raises ValueError beyond `limit` bytes."""
    body = await read_bounded(content.iter_any(), limit)
    if body.is_cut:
        raise ValueError(f"a body of more than {limit} bytes")
    return body.content


async def read_compressed(response: aiohttp.ClientResponse, *, limit: int) -> ResponseBody:
    """Read a body that may be compressed as in `ACCEPTED`; raises `UnreadableBodyError`."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return await read_bounded(response.content.iter_any(), limit)
    if encoding not in _COMPRESSED:
        raise UnreadableBodyError(f"The server compressed the page as {encoding[:40]!r}, which is not supported.")
    try:
        return await read_bounded(response.content.iter_chunked(_CHUNK), limit, zlib.decompressobj(_GZIP_OR_ZLIB))
    except zlib.error:
        raise UnreadableBodyError("The page is not compressed as its server says.") from None


async def read_bounded(
    parts: AsyncIterable[bytes], limit: int, decompressor: "zlib._Decompress | None" = None
) -> ResponseBody:
    """Read at most `limit` bytes, both as received and decompressed, so that a small body can't become a large one."""
    content, received = bytearray(), 0
    async for part in parts:
        received += len(part)
        content += decompressor.decompress(part, limit + 1 - len(content)) if decompressor else part
        if max(received, len(content)) > limit:
            return ResponseBody(bytes(content[:limit]), is_cut=True)
        if decompressor is not None and decompressor.eof:
            break
    return ResponseBody(bytes(content), is_cut=False)
