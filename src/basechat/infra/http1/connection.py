"""One connection to a server: a request, its answer, and then the next one."""

import asyncio
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import httptools

from basechat.infra.http1.body import HELD_BYTES, Body
from basechat.infra.http1.errors import BrokenError

HEAD_BYTES = 65_536
_INTERIM = range(100, 200)
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_PLAIN = frozenset({"", "identity"})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of which the head is there. Whoever has one must `close` it."""

    status: int
    headers: Mapping[str, str]
    """By names in small letters."""
    body: Body
    _connection: "Connection"

    @property
    def content_type(self) -> str:
        """What the body is, without parameters; empty where it is not said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def close(self) -> None:
        """Let go of the connection: it can be used again if the body was read to its end, else it is closed."""
        self._connection.leave(self.body)


class Connection(asyncio.Protocol):
    """A connection with one exchange at a time. `idle` hears when it can be used again, `ended` when it is gone."""

    def __init__(self, *, idle: Callable[["Connection"], None], ended: Callable[["Connection"], None]) -> None:
        self._idle = idle
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        # What servers get wrong in ways that nobody can misunderstand.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._head: asyncio.Future[Reply] | None = None
        self._headers: dict[str, str] = {}
        self._silent_bytes = 0
        self._body: Body | None = None
        self._unpacking: zlib._Decompress | None = None
        self._has_unpacked = False
        self._is_whole = self._keeps = self._has_more = False

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent on it."""
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(self, head: bytes, body: bytes) -> Reply:
        """Send a request and return its answer when the head is there; raises `BrokenError`."""
        if self._transport is None:
            raise BrokenError("The connection was closed before it was used.")
        self._head = asyncio.get_running_loop().create_future()
        self._body = Body(held_up=self._hold_up)
        self._headers, self._silent_bytes = {}, 0
        self._unpacking, self._has_unpacked = None, False
        self._is_whole = self._keeps = self._has_more = False
        self._transport.writelines([head, body])
        try:
            return await self._head
        except BaseException:
            self.close()
            raise

    def leave(self, body: Body) -> None:
        """Let go of it after an answer, which may be said twice."""
        if body is not self._body:
            return
        self._body = None
        body.drop()
        if self._is_whole and self._keeps and self.is_open and not self._still_sends():
            self._idle(self)
        else:
            self.close()

    def close(self) -> None:
        """Close it at once; an answer that is under way breaks off."""
        self._fail(BrokenError("The connection was closed here."))
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note what it sends on."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read what has come; what nobody asked for ends the connection."""
        if self._head is None or self._is_whole:
            self.close()
            return
        self._silent_bytes += len(data)
        try:
            self._parser.feed_data(data)
            if self._silent_bytes > HEAD_BYTES and not self._is_whole:
                raise BrokenError("The answer has headers without an end.")
            if self._has_more:
                self.close()
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, zlib.error, BrokenError) as error:
            self._fail(BrokenError(f"The answer can't be read: {error.__context__ or error}"))
            self.close()

    def eof_received(self) -> bool:
        """Close our side too."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer: where nothing else says how long it is, it is whole now."""
        self._transport = None
        if self._body is not None and not self._is_framed and exc is None and self._has_head:
            self._finish()
        self._fail(BrokenError(f"The connection was closed: {exc or 'by the server'}."))
        self._ended(self)

    def on_message_begin(self) -> None:
        """Note that an answer begins; behind one that is whole nobody asked for another."""
        self._has_more = self._is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """Read one header; those behind a body say nothing that is of use."""
        if self._has_more or self._has_head:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """Hand out the head, unless it is an interim one."""
        status = self._parser.get_status_code()
        if status in _INTERIM or self._has_more or self._head is None or self._body is None:
            return
        encoding = self._headers.get("content-encoding", "").strip().lower()
        if encoding not in _PLAIN | _PACKED:
            raise BrokenError(f"The answer is packed in a way that was not asked for: {encoding:.50}")
        self._unpacking = zlib.decompressobj(_GZIP_OR_ZLIB) if encoding in _PACKED else None
        if not self._head.done():
            self._head.set_result(Reply(status, self._headers, self._body, self))

    def on_body(self, data: bytes) -> None:
        """Hand on a part of the body."""
        self._silent_bytes = 0
        if self._body is None or self._has_more:
            return
        if self._unpacking is None:
            self._body.feed(data)
            return
        self._has_unpacked = True
        while data:
            if part := self._unpacking.decompress(data, HELD_BYTES):
                self._body.feed(part)
            data = self._unpacking.unconsumed_tail

    def on_message_complete(self) -> None:
        """Note that the answer is whole, unless it was an interim one."""
        if self._has_more:
            return
        if self._parser.get_status_code() in _INTERIM:
            self._headers = {}
            return
        self._is_whole = True
        self._keeps = self._parser.should_keep_alive()
        self._finish()

    def _finish(self) -> None:
        if self._unpacking is not None and self._has_unpacked and not self._unpacking.eof:
            self._keeps = False
            self._fail(BrokenError("What was packed is not whole."))
        elif self._body is not None:
            self._body.end()

    @property
    def _has_head(self) -> bool:
        return self._head is not None and self._head.done()

    @property
    def _is_framed(self) -> bool:
        """Whether the answer says how long it is."""
        return "content-length" in self._headers or "chunked" in self._headers.get("transfer-encoding", "").lower()

    def _still_sends(self) -> bool:
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def _fail(self, error: Exception) -> None:
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
        if self._body is not None:
            self._body.fail(error)

    def _hold_up(self, on: bool) -> None:
        if self._transport is None:
            return
        if on:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
