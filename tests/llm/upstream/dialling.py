"""Calls of scripted providers: what they send, and what comes of it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest

from basechat.llm.errors import GatewayError
from basechat.llm.providers.route import Route
from basechat.llm.upstream.dial import Answering, Dialler
from basechat.llm.upstream.limits import Limits
from tests.upstream import Upstream

COMPLETIONS = "chat/completions"
DONE = b"data: [DONE]\n\n"
QUESTION = {"model": "asked", "messages": [{"role": "user", "content": "hi"}]}
PATIENT = Limits(connect_seconds=10, first_token_seconds=10, silence_seconds=10)

Way = Callable[..., Route]


def chunk(text: str = "", finish: str | None = None, index: int = 0) -> bytes:
    """Return the event of one chunk."""
    choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
    return event({"choices": [choice]})


def event(document: Any) -> bytes:
    """Return an event."""
    return b"data: %b\n\n" % orjson.dumps(document)


async def text_of(answering: Answering) -> str:
    """Return the text of a whole answer; raises `GatewayError` where it breaks."""
    return "".join([part async for part in texts(answering)])


async def texts(answering: Answering) -> AsyncIterator[str]:
    """Yield the text of each chunk."""
    async for piece in answering.pieces:
        for document in piece.documents:
            for choice in document.get("choices", ()):
                yield choice["delta"].get("content") or ""


async def ask(dialler: Dialler, routes: list[Route], *, stream: bool) -> tuple[str, str]:
    """Return who answered, and what, streamed or not."""
    if stream:
        answering = await dialler.stream(routes, QUESTION)
        return answering.route.provider.name, await text_of(answering)
    answered = await dialler.whole(routes, COMPLETIONS, QUESTION)
    return answered.route.provider.name, answered.document["choices"][0]["message"]["content"]


async def refused(dialler: Dialler, routes: list[Route], *, stream: bool = True) -> GatewayError:
    """Return the error that a call ends with."""
    with pytest.raises(GatewayError) as caught:
        await ask(dialler, routes, stream=stream)
    return caught.value


def asked(upstream: Upstream) -> int:
    """Return how often a provider was asked for a completion."""
    return len(upstream.completions)
