"""An HTTP proxy on loopback that leads every host to one port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class ForwardProxy:
    """Its port, and the first line and `Proxy-Authorization` of each request."""

    port: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)


@asynccontextmanager
async def forward_proxy(port: int, *, refuses_with: int | None = None) -> AsyncIterator[ForwardProxy]:
    """Serve `CONNECT` and requests with an absolute URL, or refuse all of them with a status."""
    proxy = ForwardProxy()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        names = dict(line.lower().split(": ", 1) for line in lines if line)
        proxy.requests.append((first, names.get("proxy-authorization", "")))
        if refuses_with is not None:
            writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % refuses_with)
            writer.close()
            return
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        if first.startswith("CONNECT "):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            server_writer.write(head)
        await asyncio.gather(_pipe(reader, server_writer), _pipe(server_reader, writer))

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
