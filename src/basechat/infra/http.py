"""HTTP between services and to providers: one client for TCP addresses and Unix sockets."""

from dataclasses import dataclass

import aiohttp

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
            aiohttp.UnixConnector(path=self.socket_path, limit=connections, keepalive_timeout=60)
            if self.socket_path
            else aiohttp.TCPConnector(limit=connections, keepalive_timeout=60)
        )
        timeout = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=connect_timeout, sock_read=None)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"accept-encoding": "identity"},  # streams are relayed as they come
        )


async def read_at_most(content: aiohttp.StreamReader, limit: int) -> bytes:
    """Return a whole body; raises ValueError beyond `limit` bytes."""
    parts, size = [], 0
    async for part in content.iter_any():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise ValueError(f"a body of more than {limit} bytes")
    return b"".join(parts)
