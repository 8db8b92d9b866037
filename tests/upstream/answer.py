"""Playing a script onto a connection, streamed or as one body."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import orjson

from tests.upstream import wire
from tests.upstream.records import RequestRecord, prompt_tokens
from tests.upstream.scripts import Call, Cut, Fail, Head, Raw, Say, Script, Stall, Stamp, Step, Wait
from tests.upstream.sinks import Body, Channel, Events, Sink


@dataclass(slots=True)
class Answer:
    """One answer in progress; `play` ends with the answer."""

    channel: Channel
    record: RequestRecord
    completion: wire.Completion
    left: int | None
    due: float = 0.0
    calls: int = 0
    finish_reason: str = "stop"

    async def play(self, script: Script) -> None:
        """Write the answer of the script in the form that the request wants."""
        document = self.record.document
        self.due = asyncio.get_running_loop().time()
        if script and isinstance(script[0], Fail):
            self._refuse(script[0])
        elif any(isinstance(step, Head) for step in script):
            await self._bare(script)
        elif document.get("stream"):
            await self._stream(script, document)
        else:
            await self._whole(script, document)
        self.record.end("finished")

    def _refuse(self, step: Fail) -> None:
        body = orjson.dumps(wire.error(step.status, step.code, step.message))
        self.channel.write(wire.response(step.status, body, retry_after=step.retry_after))

    async def _stream(self, script: Script, document: dict[str, Any]) -> None:
        self.channel.write(wire.STREAM_HEAD)
        events = Events(self.channel, self.completion)
        for step in script:
            if not await self._step(step, events):
                return
            if isinstance(step, Raw | Fail):
                self.channel.write(wire.frame(_raw(step)) + wire.LAST_FRAME)
                return
        tail = events.opening() + self.completion.chunk({}, self.finish_reason)
        if (document.get("stream_options") or {}).get("include_usage"):
            tail += self.completion.usage_chunk(self._usage(document))
        self.channel.write(wire.frame(tail + wire.DONE) + wire.LAST_FRAME)

    async def _bare(self, script: Script) -> None:
        """Write an answer whose script contains every byte."""
        is_framed = True
        for step in script:
            if isinstance(step, Head):
                is_framed = step.is_framed
                self.channel.write(wire.head(step.status, step.content_type, step.headers, is_framed=is_framed))
            elif isinstance(step, Raw):
                if step.data:  # an empty frame would be the last
                    self.channel.write(wire.frame(step.data) if is_framed else step.data)
                    await self.channel.flushed()
            elif not await self._step(step, Body()):
                return
        if is_framed:
            self.channel.write(wire.LAST_FRAME)
        else:
            self.channel.close()

    async def _whole(self, script: Script, document: dict[str, Any]) -> None:
        kept = Body()
        for step in script:
            if not await self._step(step, kept):
                return
            if isinstance(step, Raw):
                self.channel.write(wire.response(200, step.data))
                return
            if isinstance(step, Fail):
                self._refuse(step)
                return
        body = self.completion.whole("".join(kept.texts), kept.calls, self.finish_reason, self._usage(document))
        self.channel.write(wire.response(200, body))

    async def _step(self, step: Step, sink: Sink) -> bool:
        """Play one step; false if nothing may follow."""
        match step:
            case Say(tokens, piece):
                for token in tokens:
                    if self._may_say():
                        await sink.token(token, piece)
            case Stamp(number) if self._may_say():
                await sink.token(f"{number}@{time.monotonic_ns()} ", None)
            case Call(name, arguments, call_id):
                await self._call(sink, name, arguments, call_id)
            case Wait(seconds):
                self.due += seconds
                await asyncio.sleep(self.due - asyncio.get_running_loop().time())
            case Cut():
                await self.channel.flushed()
                self.record.end("cut")
                self.channel.close()
                return False
            case Stall():
                await asyncio.Event().wait()
        return True

    async def _call(self, sink: Sink, name: str, arguments: dict[str, Any] | str, call_id: str | None) -> None:
        text = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
        await sink.call(self.calls, wire.tool_call(call_id or f"call_{self.record.number}_{self.calls}", name, text))
        self.calls += 1
        self.finish_reason = "tool_calls"

    def _may_say(self) -> bool:
        """Count a token against `max_tokens`; false if the limit is reached."""
        if self.left == 0:
            self.finish_reason = "length"
            return False
        if self.left is not None:
            self.left -= 1
        self.record.tokens_sent += 1
        return True

    def _usage(self, document: dict[str, Any]) -> dict[str, int]:
        return wire.usage(prompt_tokens(document), self.record.tokens_sent)


def _raw(step: Raw | Fail) -> bytes:
    if isinstance(step, Raw):
        return step.data
    return wire.event(wire.error(step.status, step.code, step.message))
