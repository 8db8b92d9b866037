"""A shared completion by itself: what its readers hold, and invalid answers."""

import asyncio
from typing import Any

import pytest

from basechat.infra.web.streaming import EventStream
from basechat.kit import json
from basechat.llm.answer import CompletionAccumulator, is_complete
from basechat.llm.single_flight.shared import CompletionHead, SharedCompletion
from basechat.llm.upstream.events import EventDecoder

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'


HEAD = CompletionHead(outcome="miss", provider="own")


def completion() -> SharedCompletion:
    return SharedCompletion(on_unread=lambda _: None)


async def test_a_slow_reader_holds_no_copy_of_the_whole_answer() -> None:
    answer, cutter = completion(), EventDecoder()
    reader = answer.join()
    answer.begin(HEAD)
    for _ in range(2_000):
        piece = cutter.decode(EVENT)
        assert piece is not None
        await answer.add(piece)
    answer.finish(answer.accumulator.document())
    parts = [part async for part in reader.stream(with_usage=False)]
    assert b"".join(parts) == EVENT * 2_000 + b"data: [DONE]\n\n"
    assert max(map(len, parts)) <= 100 * len(EVENT)


@pytest.mark.parametrize("choice", [{"text": "old"}, {"message": None}, {"message": {"tool_calls": [7]}}, 7])
async def test_an_invalid_body_ends_a_stream_with_an_error(choice: Any) -> None:
    answer = completion()
    reader = answer.join()
    answer.begin(HEAD)
    answer.finish({"choices": [choice]}, b"{}")
    [event] = [part async for part in reader.stream(with_usage=True)]
    assert json.loads(event.removeprefix(b"data: "))["error"]["code"] == "provider_garbled"


@pytest.mark.parametrize(
    "choice",
    [
        {"delta": {"tool_calls": True}},
        {"delta": {"tool_calls": {"a": 1}}},
        {"delta": {"tool_calls": ["x"]}},
        {"message": "x", "delta": {"content": "y"}},
        {"delta": {"content": "x"}, "finish_reason": ["stop"]},
    ],
)
def test_chunks_may_contain_anything(choice: dict[str, Any]) -> None:
    draft = CompletionAccumulator()
    for _ in range(2):
        draft.add({"choices": [{"index": 0, **choice}]})
    assert not is_complete(draft.document())


async def test_a_client_that_is_cancelled_twice_leaves_its_completion() -> None:
    left, ending = asyncio.Event(), asyncio.Event()

    async def events() -> Any:
        yield b"data: x\n\n"

    async def send(_: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def receive() -> Any:
        await asyncio.Event().wait()

    response = EventStream(events(), ended=left.set)
    serving = asyncio.create_task(response({"type": "http"}, receive, send))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    serving.cancel()
    await ending.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert left.is_set()
