"""An answer's head and what follows at once are one packet; nothing waits longer than a turn of the loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.types import Receive, Scope, Send

from basechat.infra.web.http_protocol import HttpProtocol
from tests.support.waiting import until

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@dataclass
class Written:
    """What was handed to the connection, write by write."""

    parts: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def _serving(written: Written, *, body_waits_for: asyncio.Event | None = None) -> AsyncIterator[int]:
    """Serve an app that may wait between the head and the body of its answer; gives the port."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if body_waits_for is not None:
            await body_waits_for.wait()
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two", "more_body": False})

    class Noting(HttpProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            write = transport.write

            def noted(data: bytes | bytearray | memoryview) -> None:
                written.parts.append(bytes(data))
                write(data)

            transport.write = noted  # type: ignore[method-assign]
            super().connection_made(transport)

    config = uvicorn.Config(app, http=Noting, port=0, lifespan="off", log_config=None, loop="asyncio")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: _is_up(server))
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def _is_up(server: uvicorn.Server) -> bool:
    return server.started


async def _asked(port: int, request: bytes, end: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.readuntil(end)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_the_head_goes_out_with_the_first_of_the_body() -> None:
    written = Written()
    async with _serving(written) as port:
        answer = await _asked(port, REQUEST, b"0\r\n\r\n")
    assert answer == b"".join(written.parts)
    assert [part.startswith(b"HTTP/1.1 200 OK\r\n") for part in written.parts] == [True, False]
    assert written.parts[0].endswith(b"\r\n\r\n3\r\none\r\n")


async def test_a_head_waits_for_nothing_that_takes_longer() -> None:
    written, event = Written(), asyncio.Event()
    async with _serving(written, body_waits_for=event) as port:
        assert await _asked(port, REQUEST, b"\r\n\r\n") == written.parts[0]
        event.set()


async def test_who_asks_whether_to_go_on_hears_it_before_the_answer() -> None:
    written, event = Written(), asyncio.Event()
    request = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    async with _serving(written, body_waits_for=event) as port:
        assert await _asked(port, request, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n" == written.parts[0]
        event.set()


async def test_what_is_no_request_is_answered() -> None:
    async with _serving(Written()) as port:
        assert (await _asked(port, b"NO\r\n\r\n", b"received.")).startswith(b"HTTP/1.1 400 ")
