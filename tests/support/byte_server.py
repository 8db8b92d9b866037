"""A server that answers with given bytes, valid HTTP or not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from basechat.infra.http import Address
from basechat.infra.network.outbound import OutboundClient

CLOSE = object()
"""Instead of bytes: close the connection."""


@dataclass
class Server:
    """Its requests with the number of their connection, in order, and how many connections have ended."""

    port: int = 0
    asked: list[tuple[int, bytes]] = field(default_factory=list)
    connections: int = 0
    ended: int = 0

    @property
    def address(self) -> Address:
        """Its address."""
        return Address.parse(f"http://127.0.0.1:{self.port}/v1")


@asynccontextmanager
async def serving(
    *answers: Sequence[object], tls: ssl.SSLContext | None = None, path: str | None = None
) -> AsyncIterator[Server]:
    """Answer each request with the next answer: bytes, pauses in seconds, `CLOSE`."""
    server, left = Server(), list(answers)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        number = server.connections
        try:
            while head := await _head(reader):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                server.asked.append((number, head + await reader.readexactly(length)))
                for part in left.pop(0) if left else ():
                    if part is CLOSE:
                        return
                    if isinstance(part, bytes):
                        writer.write(part)
                        await writer.drain()
                    elif isinstance(part, float):
                        await asyncio.sleep(part)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            server.ended += 1
            writer.close()

    listening = (
        await asyncio.start_unix_server(handle, path)
        if path is not None
        else await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    )
    if path is None:
        server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


@asynccontextmanager
async def client_of(address: Address) -> AsyncIterator[OutboundClient]:
    """A client that is closed at the end."""
    client = OutboundClient(address)
    try:
        yield client
    finally:
        await client.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
