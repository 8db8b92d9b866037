"""A cheap HTTP/1.1 client. During a stream it only records bytes and arrival times; parsing comes afterwards."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httptools
import orjson

TIMEOUT_SECONDS = 60.0


class BenchError(Exception):
    """Makes the figures worthless: a refused call, a broken stream, a stack that doesn't start."""


@dataclass(slots=True)
class Exchange:
    """One request and its answer; times are CLOCK_MONOTONIC in ns."""

    sent_at: int
    status: int = 0
    ended_at: int = 0
    arrivals: list[tuple[int, bytes]] = field(default_factory=list)
    headers: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def elapsed_ms(self) -> float:
        """Time from sending the request to the answer's end."""
        return (self.ended_at - self.sent_at) / 1e6

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(data for _, data in self.arrivals)

    def events(self) -> Iterator[tuple[int, str, bytes]]:
        """Yield each server-sent event: when its last byte came, its name, its data."""
        rest = b""
        for at, data in self.arrivals:
            *blocks, rest = (rest + data).split(b"\n\n")
            for block in blocks:
                fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line[1:])
                if b"data" in fields:
                    yield at, fields.get(b"event", b"").decode(), fields[b"data"]


class Connection(asyncio.Protocol):
    """One kept-alive connection with one exchange at a time. It reconnects if the server closed it."""

    _transport: asyncio.Transport
    _parser: httptools.HttpResponseParser

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._exchange = Exchange(0)
        self._now = 0
        self._answer: asyncio.Future[None] | None = None
        self._arrived = asyncio.Event()

    @classmethod
    async def open(cls, address: str) -> Self:
        """Connect to `http://host:port`."""
        parts = urlsplit(address)
        connection = cls(parts.hostname or "127.0.0.1", parts.port or 80)
        await connection._connect()
        return connection

    async def _connect(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        await asyncio.get_running_loop().create_connection(lambda: self, self._host, self._port)

    async def exchange(self, request: bytes) -> Exchange:
        """Send a request and return when its answer has ended."""
        await self.begin(request)
        return await self.end()

    async def begin(self, request: bytes) -> Exchange:
        """Send a request; its exchange fills while the answer comes."""
        if self._transport.is_closing():
            await self._connect()
        self._answer = asyncio.get_running_loop().create_future()
        self._exchange = Exchange(time.monotonic_ns())
        self._transport.write(request)
        return self._exchange

    async def end(self) -> Exchange:
        """The exchange when its answer has ended."""
        if self._answer is None:
            raise BenchError("no request was sent")
        async with self._time_limit():
            await self._answer
        return self._exchange

    async def until(self, wanted: bytes, *, after: bytes = b"") -> Exchange:
        """Wait until these bytes have arrived, optionally after other bytes."""
        async with self._time_limit():
            while wanted not in (self._exchange.body.partition(after)[2] if after else self._exchange.body):
                self._arrived.clear()
                await self._arrived.wait()
        return self._exchange

    @asynccontextmanager
    async def _time_limit(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                yield
        except TimeoutError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection without waiting for a running answer."""
        self._answer = None
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._now = time.monotonic_ns()
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BenchError(f"the connection closed during an answer: {exc}"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._exchange.headers[name.lower()] = value

    def on_body(self, data: bytes) -> None:
        self._exchange.arrivals.append((self._now, data))
        self._arrived.set()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() == HTTPStatus.CONTINUE:
            return
        self._exchange.status = self._parser.get_status_code()
        self._exchange.ended_at = self._now
        if not self._parser.should_keep_alive():
            self._transport.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)


def request(method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a request with a JSON body."""
    content = b"" if body is None else orjson.dumps(body)
    always = {"Host": "127.0.0.1", "Content-Length": str(len(content)), "Content-Type": "application/json"}
    fields = {**always, **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass(frozen=True, slots=True)
class Api:
    """JSON calls, not measured, over one connection."""

    connection: Connection
    token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The authorization header."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer's document; raises `BenchError` on an error status."""
        exchange = await self.connection.exchange(request(method, path, body, self.headers))
        if exchange.status >= HTTPStatus.BAD_REQUEST:
            raise BenchError(f"{method} {path}: {exchange.status} {exchange.body.decode(errors='replace')[:300]}")
        return orjson.loads(exchange.body or b"null")
