"""One HTTP/1.1 connection of the upstream, with keep-alive and one answer at a time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import cast

import httptools

from tests.upstream.records import RequestRecord

Handler = Callable[["Connection", RequestRecord], Awaitable[None]]
Recorder = Callable[[str, str, dict[str, str], bytes], RequestRecord]


class Connection(asyncio.Protocol):
    """Reads requests, records them and hands them to the handler in their order."""

    def __init__(self, record: Recorder, handle: Handler, open_connections: set["Connection"]) -> None:
        self._record = record
        self._handle = handle
        self._open = open_connections
        self._parser = httptools.HttpRequestParser(self)
        self._url = self._body = b""
        self._headers: dict[str, str] = {}
        self._waiting: deque[tuple[RequestRecord, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._current: RequestRecord | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._open.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self._transport.close()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, _: Exception | None) -> None:
        self._open.discard(self)
        for record in [self._current, *(record for record, _ in self._waiting)]:
            if record is not None:
                record.end("client_closed")
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    # httptools

    def on_message_begin(self) -> None:
        self._url = self._body = b""
        self._headers = {}

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        path = httptools.parse_url(self._url).path.decode("latin-1")
        record = self._record(self._parser.get_method().decode(), path, self._headers, self._body)
        self._waiting.append((record, self._parser.should_keep_alive()))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._serve())

    async def _serve(self) -> None:
        while self._waiting and not self._transport.is_closing():
            self._current, keep_alive = self._waiting.popleft()
            await self._handle(self, self._current)
            self._current = None
            if not keep_alive:
                self._transport.close()

    # answer.Channel

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        """Close without sending the rest."""
        self._transport.abort()

    async def flushed(self) -> None:
        """Let the loop send the written bytes, and wait for a slow client."""
        await asyncio.sleep(0)
        if not self._writable.is_set():
            await self._writable.wait()
