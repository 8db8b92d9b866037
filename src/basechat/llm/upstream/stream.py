"""A provider's answer as a stream: it begins with its first document, and ends whole or with an error."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from basechat.infra.network.outbound import OutboundError, OutboundReply
from basechat.llm.answers.answer import as_stream
from basechat.llm.errors import GatewayError
from basechat.llm.providers.provider import Provider
from basechat.llm.upstream.breaker import Try
from basechat.llm.upstream.choices import Choices
from basechat.llm.upstream.events import EventCutter, GarbledError, Piece
from basechat.llm.upstream.failure import cut, garbled
from basechat.llm.upstream.limits import Limits
from basechat.llm.upstream.refusal import error_in, told_in_place
from basechat.llm.upstream.silence import Silence
from basechat.llm.upstream.whole import read_whole

log = logging.getLogger(__name__)

_LAST_WORDS_SECONDS = 1.0
_FIRST_BYTES = 1024
_BROKEN = (TimeoutError, OutboundError, GarbledError)


class Pieces(AsyncGenerator[Piece]):
    """The pieces of one answer; each has a document or is the end, comments between them are dropped.

    The answer is whole when `[DONE]` came or, from providers that don't send it, when every choice has said why it
    ended. An error that the provider tells in its stream is the last piece. It is no generator function, because one
    that was never begun does not close what it holds.
    """

    def __init__(self, provider: Provider, reply: OutboundReply, limits: Limits, attempt: Try) -> None:
        self._provider = provider
        self._reply = reply
        self._attempt = attempt
        self._cutter = EventCutter()
        self._choices = Choices()
        self._silence = Silence(reply, seconds=limits.silence_seconds, longest=limits.first_token_seconds)
        self._first: Piece | None = None
        self._later = b""
        self._is_new = True
        self._has_ended = False

    async def begin(self) -> None:
        """Wait for the first document; raises `Failure`."""
        name = self._provider.name
        try:
            if self._reply.content_type == "text/html":
                raise GarbledError("a page")
            if self._reply.content_type == "application/json":
                self._first = await self._read_body()
            else:  # what has no content type, or an odd one, may still be a stream
                self._first = await self._read()
            if self._first is None or not self._first.documents:
                raise cut(name)
            if error := error_in(self._first.documents[0]):
                raise told_in_place(self._provider, error)
        except BaseException as error:
            self.close()
            if isinstance(error, OutboundError):
                raise cut(name) from None
            if isinstance(error, GarbledError):
                log.warning("the answer of provider %s can't be read: %s", name, error)
                raise garbled(name) from None
            raise

    async def __anext__(self) -> Piece:
        """Return the next piece; raises `GatewayError` where the answer breaks off, falls silent or can't be read."""
        if self._first is not None:
            piece, self._first = self._first, None
            return piece
        if self._has_ended:
            await self._drain()
            raise StopAsyncIteration
        self._silence.begins()
        try:
            following = await self._read()
        except _BROKEN as error:
            raise self._break_off(error) from None
        except BaseException:
            self.close()
            raise
        self._silence.ends()
        if following is None:
            raise self._break_off(None)
        return following

    async def asend(self, value: None) -> Piece:
        """Return the next piece."""
        return await self.__anext__()

    async def athrow(self, typ: Any, val: Any = None, tb: Any = None) -> Piece:
        """Close the connection and raise."""
        self.close()
        raise typ if val is None else val

    async def aclose(self) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection, unless it was read to the end and serves others already."""
        self._has_ended = True
        self._first = None
        self._silence.close()
        self._reply.close()

    async def _read_body(self) -> Piece | None:
        """Return an answer in one body, from a provider that does not stream, as the stream that it would be."""
        _, document = await read_whole(self._provider, self._reply, holds="choices")
        try:
            piece = self._cutter.cut(as_stream(document, with_usage=True))
        except (KeyError, TypeError, AttributeError) as error:
            raise GarbledError("a completion that is none") from error
        return piece and self._noted(piece)

    async def _read(self) -> Piece | None:
        """Return the next piece that says something, or None at the end."""
        while part := await self._part():
            piece = self._cutter.cut(part)
            if piece is not None:
                if piece.documents or piece.is_done:
                    return self._noted(piece)
                self._silence.sign()
        rest = self._cutter.finish()
        return self._noted(rest) if rest and (rest.documents or rest.is_done) else None

    async def _part(self) -> bytes:
        """Return the next bytes: of the first a few, as the first token waits until all of them are understood."""
        if self._later:
            part, self._later = self._later, b""
            return part
        part = await self._reply.read()
        if self._is_new:
            self._is_new = False
            end = part.rfind(b"\n\n", 0, _FIRST_BYTES) + 2
            if end >= 2:
                part, self._later = part[:end], part[end:]
        return part

    def _noted(self, piece: Piece) -> Piece:
        self._attempt.breaker.failures = 0
        self._has_ended = piece.is_done
        for document in piece.documents:
            self._choices.read(document)
            if ("error" in document or "choices" not in document) and error_in(document):
                self._has_ended = True
        return piece

    def _break_off(self, error: BaseException | None) -> Exception:
        """Return how it ends where nothing more can be read; an answer that was whole by then is none the worse."""
        self.close()
        if self._choices.have_finished:
            return StopAsyncIteration()
        self._attempt.failed()
        name = self._provider.name
        if isinstance(error, TimeoutError):
            return GatewayError(504, f"The provider {name} fell silent.", code="provider_silent")
        if isinstance(error, GarbledError):
            log.warning("the answer of provider %s can't be read: %s", name, error)
            return garbled(name).error
        return cut(name).error

    async def _drain(self) -> None:
        """Read what may follow the end, which is nothing, so that the connection can be used again."""
        with suppress(TimeoutError, OutboundError):
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                while await self._reply.read():
                    pass
        self.close()
