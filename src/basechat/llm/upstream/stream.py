"""A provider's answer: as a stream that begins with its first event and ends completely or with an error, or whole."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any

from basechat.infra.network.outbound import OutboundError, OutboundReply
from basechat.kit import json
from basechat.llm.answer import as_stream
from basechat.llm.errors import GatewayError
from basechat.llm.providers.provider import Provider
from basechat.llm.upstream.events import EventBatch, EventDecoder, GarbledError
from basechat.llm.upstream.failures import cut, error_in_answer, find_error, garbled
from basechat.llm.upstream.resilience import Attempt, CallLimits, IdleTimeout

log = logging.getLogger(__name__)

_DRAIN_SECONDS = 1.0
_FIRST_BYTES = 1024
_MAX_BODY_BYTES = 32_000_000
_BROKEN = (TimeoutError, OutboundError, GarbledError)


class EventStreamReader(AsyncGenerator[EventBatch]):
    """The events of one answer. Each batch has a document or is the end; comments alone are dropped.

    The answer is complete after `[DONE]`, or, from providers without it, after every choice has a finish reason. An
    error inside the stream is the last batch. This is not a generator function, because a generator that never began
    does not close what it holds.
    """

    def __init__(self, provider: Provider, reply: OutboundReply, limits: CallLimits, attempt: Attempt) -> None:
        self._provider = provider
        self._reply = reply
        self._attempt = attempt
        self._decoder = EventDecoder()
        self._choices = _Choices()
        self._idle_timeout = IdleTimeout(reply, seconds=limits.silence_seconds, longest=limits.first_token_seconds)
        self._first: EventBatch | None = None
        self._later = b""
        self._is_new = True
        self._has_ended = False

    async def begin(self) -> None:
        """Wait for the first document; raises `Failure`."""
        name = self._provider.name
        try:
            if self._reply.content_type == "text/html":
                raise GarbledError("an HTML page")
            if self._reply.content_type == "application/json":
                self._first = await self._read_whole()
            else:  # without a content type, or with an unusual one, it may still be a stream
                self._first = await self._read()
            if self._first is None or not self._first.documents:
                raise cut(name)
            if error := find_error(self._first.documents[0]):
                raise error_in_answer(self._provider, error)
        except BaseException as error:
            self.close()
            if isinstance(error, OutboundError):
                raise cut(name) from None
            if isinstance(error, GarbledError):
                log.warning("the answer of provider %s can't be read: %s", name, error)
                raise garbled(name) from None
            raise

    async def __anext__(self) -> EventBatch:
        """The next batch. Raises `GatewayError` if the answer breaks off, exceeds the idle timeout or is invalid."""
        if self._first is not None:
            batch, self._first = self._first, None
            return batch
        if self._has_ended:
            await self._drain()
            raise StopAsyncIteration
        self._idle_timeout.begin_read()
        try:
            following = await self._read()
        except _BROKEN as error:
            raise self._break_off(error) from None
        except BaseException:
            self.close()
            raise
        self._idle_timeout.end_read()
        if following is None:
            raise self._break_off(None)
        return following

    async def asend(self, value: None) -> EventBatch:
        return await self.__anext__()

    async def athrow(self, typ: Any, val: Any = None, tb: Any = None) -> EventBatch:
        self.close()
        raise typ if val is None else val

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, unless the answer was read to the end and the connection serves other calls."""
        self._has_ended = True
        self._first = None
        self._idle_timeout.close()
        self._reply.close()

    async def _read_whole(self) -> EventBatch | None:
        """The answer of a provider that does not stream, converted to a stream."""
        _, document = await read_document(self._provider, self._reply, holds="choices")
        try:
            batch = self._decoder.decode(as_stream(document, with_usage=True))
        except (KeyError, TypeError, AttributeError) as error:
            raise GarbledError("not a completion") from error
        return batch and self._note(batch)

    async def _read(self) -> EventBatch | None:
        """The next batch with a document or the end, or None at the end of the body."""
        while part := await self._read_part():
            batch = self._decoder.decode(part)
            if batch is not None:
                if batch.documents or batch.is_done:
                    return self._note(batch)
                self._idle_timeout.note_comment()
        rest = self._decoder.finish()
        return self._note(rest) if rest and (rest.documents or rest.is_done) else None

    async def _read_part(self) -> bytes:
        """The next bytes. The first part is short, because the first token waits until all of it is parsed."""
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

    def _note(self, batch: EventBatch) -> EventBatch:
        self._attempt.breaker.failures = 0
        self._has_ended = batch.is_done
        for document in batch.documents:
            self._choices.add(document)
            if ("error" in document or "choices" not in document) and find_error(document):
                self._has_ended = True
        return batch

    def _break_off(self, error: BaseException | None) -> Exception:
        """The end of an answer that can't be read further. One that is complete by then ends normally."""
        self.close()
        if self._choices.have_finished:
            return StopAsyncIteration()
        self._attempt.failed()
        name = self._provider.name
        if isinstance(error, TimeoutError):
            return GatewayError(504, f"The provider {name} sent nothing for too long.", code="provider_silent")
        if isinstance(error, GarbledError):
            log.warning("the answer of provider %s can't be read: %s", name, error)
            return garbled(name).error
        return cut(name).error

    async def _drain(self) -> None:
        """Read to the end of the body, normally nothing more, so that the connection can be used again."""
        with suppress(TimeoutError, OutboundError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while await self._reply.read():
                    pass
        self.close()


class _Choices:
    """The choices of a stream. The answer is complete when each of them has a finish reason."""

    def __init__(self) -> None:
        self._begun: set[int] = set()
        self._finished: set[int] = set()

    @property
    def have_finished(self) -> bool:
        return bool(self._finished) and self._begun <= self._finished

    def add(self, chunk: Mapping[str, Any]) -> None:
        for choice in chunk.get("choices") or ():
            (self._finished if choice.get("finish_reason") else self._begun).add(choice.get("index", 0))


async def read_document(provider: Provider, reply: OutboundReply, *, holds: str) -> tuple[bytes, dict[str, Any]]:
    """An answer in one body, as bytes and parsed: an object whose field `holds` is a list; raises `Failure`."""
    try:
        body = await reply.read_all(_MAX_BODY_BYTES)
        document = json.loads(body)
    except OutboundError:
        raise cut(provider.name) from None
    except ValueError:
        raise garbled(provider.name) from None
    finally:
        reply.close()
    if error := find_error(document):
        raise error_in_answer(provider, error)
    if not isinstance(document, dict) or not isinstance(document.get(holds), list):
        raise garbled(provider.name)
    return body, document
