"""The scripted upstream calls tools like OpenAI's models, and answers with the tools' results."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from tests.upstream import Call, Say, Upstream, running_upstream
from tests.upstream.calls import MISSING

TIMEOUT = aiohttp.ClientTimeout(total=20)
QUESTION = {"role": "user", "content": '{"expression": "6 × 7"}'}
TOOL = {"type": "function", "function": {"name": "calculate", "parameters": {"type": "object"}}}
TWO_CALLS = (Say(("Let me see.",)), Call("calculate", {"expression": "6 × 7"}), Call("current_time", "{nonsense", "c2"))


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with running_upstream() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        yield session


async def _whole(
    client: aiohttp.ClientSession, upstream: Upstream, model: str, *more: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """The message and how it finished."""
    body = {"model": model, "messages": [QUESTION, *more]}
    async with client.post(f"{upstream.base_url}/chat/completions", json=body) as response:
        (choice,) = (await response.json())["choices"]
    return choice["message"], choice["finish_reason"]


async def _deltas(client: aiohttp.ClientSession, upstream: Upstream, model: str) -> list[dict[str, Any]]:
    body = {"model": model, "messages": [QUESTION], "stream": True, "tools": [TOOL]}
    async with client.post(f"{upstream.base_url}/chat/completions", json=body) as response:
        events = (await response.read()).decode().split("\n\n")[:-2]
    choices = [orjson.loads(event.removeprefix("data: "))["choices"][0] for event in events]
    assert [choice["finish_reason"] for choice in choices[-2:]] == [None, "tool_calls"]
    return [choice["delta"] for choice in choices]


def _answered(message: dict[str, Any], *results: str) -> list[dict[str, Any]]:
    """The messages that follow in the prompt after these tool results."""
    calls = message["tool_calls"]
    assert len(calls) == len(results)
    said = [{"role": "tool", "tool_call_id": c["id"], "content": r} for c, r in zip(calls, results, strict=True)]
    return [message, *said]


async def test_calls_are_streamed_with_their_arguments_in_pieces(
    client: aiohttp.ClientSession, upstream: Upstream
) -> None:
    upstream.script("mine", *TWO_CALLS)
    deltas = await _deltas(client, upstream, "mine")
    assert upstream.completions[0].tools == ["calculate"]
    parts = [part for delta in deltas for part in delta.get("tool_calls", ())]
    first, second = ([part for part in parts if part["index"] == index] for index in (0, 1))
    assert [part.get("id") for part in first] == ["call_1_0", *[None] * (len(first) - 1)]
    assert first[0] == {
        "index": 0, "id": "call_1_0", "type": "function", "function": {"name": "calculate", "arguments": ""}
    }  # fmt: skip
    assert len(first) > 3
    assert orjson.loads("".join(part["function"]["arguments"] for part in first)) == {"expression": "6 × 7"}
    assert second[0]["id"] == "c2"
    assert "".join(part["function"]["arguments"] for part in second) == "{nonsense"
    assert "".join(delta.get("content", "") for delta in deltas) == "Let me see."


async def test_calls_in_one_body(client: aiohttp.ClientSession, upstream: Upstream) -> None:
    upstream.script("mine", *TWO_CALLS)
    message, finish = await _whole(client, upstream, "mine")
    assert finish == "tool_calls"
    assert message["content"] == "Let me see."
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["calculate", "current_time"]
    assert orjson.loads(message["tool_calls"][0]["function"]["arguments"]) == {"expression": "6 × 7"}
    upstream.script("mine", Call("current_time", {}))
    assert (await _whole(client, upstream, "mine"))[0]["content"] is None


async def test_each_turn_has_its_script_and_the_last_one_is_repeated(
    client: aiohttp.ClientSession, upstream: Upstream
) -> None:
    upstream.script_turns("mine", TWO_CALLS, (Call("calculate", {}),), (Say(("Done.",)),))
    past: list[dict[str, Any]] = []
    message, _ = await _whole(client, upstream, "mine")
    past += _answered(message, "42", "noon")
    message, finish = await _whole(client, upstream, "mine", *past)
    assert (message["tool_calls"][0]["id"], finish) == ("call_2_0", "tool_calls")
    past += _answered(message, "43")
    for more in (past, [*past, *past]):
        message, finish = await _whole(client, upstream, "mine", *more)
        assert (message["content"], finish) == ("Done.", "stop")
    message, finish = await _whole(client, upstream, "mine", *past, QUESTION)
    assert finish == "tool_calls"
    assert upstream.completions[1].messages[2:] == _answered(past[0], "42", "noon")[1:]
    assert upstream.completions[1].tools == []


async def test_models_that_call_one_tool_say_what_it_answered(
    client: aiohttp.ClientSession, upstream: Upstream
) -> None:
    message, _ = await _whole(client, upstream, "tool-calculate")
    (call,) = message["tool_calls"]
    assert call["function"] == {"name": "calculate", "arguments": QUESTION["content"]}
    answer, finish = await _whole(client, upstream, "tool-calculate", *_answered(message, "It is  42."))
    assert (answer["content"], finish) == ("It is  42.", "stop")


async def test_models_that_never_stop_and_that_call_what_is_not_there(
    client: aiohttp.ClientSession, upstream: Upstream
) -> None:
    past: list[dict[str, Any]] = []
    for _ in range(5):
        message, finish = await _whole(client, upstream, "calls-forever", *past)
        assert (message["tool_calls"][0]["function"]["name"], finish) == ("current_time", "tool_calls")
        past += _answered(message, "noon")
    message, _ = await _whole(client, upstream, "calls-missing")
    assert message["tool_calls"][0]["function"]["name"] == MISSING
