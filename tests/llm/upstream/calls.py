"""Calls of scripted providers: what they send, and what comes of it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest

from basechat.llm.errors import GatewayError
from basechat.llm.providers.catalogue import Route
from basechat.llm.upstream.client import ProviderClient, ProviderStream
from basechat.llm.upstream.resilience import CallLimits
from tests.upstream import Upstream

COMPLETIONS = "chat/completions"
DONE = b"data: [DONE]\n\n"
QUESTION = {"model": "asked", "messages": [{"role": "user", "content": "hi"}]}
PATIENT = CallLimits(connect_seconds=10, first_token_seconds=10, silence_seconds=10)

Way = Callable[..., Route]


def chunk(text: str = "", finish: str | None = None, index: int = 0) -> bytes:
    """The event of one chunk."""
    choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
    return event({"choices": [choice]})


def event(document: Any) -> bytes:
    """An event."""
    return b"data: %b\n\n" % orjson.dumps(document)


async def text_of(answer: ProviderStream) -> str:
    """The text of a whole answer; raises `GatewayError` where it breaks."""
    return "".join([part async for part in texts(answer)])


async def texts(answer: ProviderStream) -> AsyncIterator[str]:
    """Yield the text of each chunk."""
    async for piece in answer.batches:
        for document in piece.documents:
            for choice in document.get("choices", ()):
                yield choice["delta"].get("content") or ""


async def ask(client: ProviderClient, routes: list[Route], *, stream: bool) -> tuple[str, str]:
    """The name of the provider that answered, and its text."""
    if stream:
        answer = await client.stream(routes, QUESTION)
        return answer.route.provider.name, await text_of(answer)
    answered = await client.whole(routes, COMPLETIONS, QUESTION)
    return answered.route.provider.name, answered.document["choices"][0]["message"]["content"]


async def refused(client: ProviderClient, routes: list[Route], *, stream: bool = True) -> GatewayError:
    """The error that a call ends with."""
    with pytest.raises(GatewayError) as caught:
        await ask(client, routes, stream=stream)
    return caught.value


def failures_of(client: ProviderClient, name: str) -> int:
    """The failures in a row of a provider."""
    [breaker] = [breaker for (provider, _), breaker in client.breakers.items() if provider == name]
    return breaker.failures


def asked(upstream: Upstream) -> int:
    """The number of calls of a provider for completions."""
    return len(upstream.completions)
