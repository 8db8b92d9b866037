"""The scripted upstream plays its scripts, seen by an OpenAI client."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from tests.upstream import Cut, Fail, Head, Raw, Say, Upstream, running_upstream
from tests.upstream.scripts import KOREAN, LISTED

TIMEOUT = aiohttp.ClientTimeout(total=20)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with running_upstream() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        yield session


def _body(model: str, prompt: str = "안녕 two  three", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **fields}


async def _events(response: aiohttp.ClientResponse) -> list[Any]:
    events = (await response.read()).decode().split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    return [orjson.loads(event.removeprefix("data: ")) for event in events[:-2]]


async def _stream(client: aiohttp.ClientSession, upstream: Upstream, body: dict[str, Any]) -> list[str]:
    async with client.post(f"{upstream.base_url}/chat/completions", json=body | {"stream": True}) as response:
        assert response.status == 200
        events = await _events(response)
    return [event["choices"][0]["delta"].get("content", "") for event in events if event["choices"]]


async def test_echo_streams_the_prompt_by_words(client: aiohttp.ClientSession, upstream: Upstream) -> None:
    assert await _stream(client, upstream, _body("echo")) == ["", "안녕", " two", "  three", ""]


async def test_korean_arrives_whole_although_characters_are_cut(
    client: aiohttp.ClientSession, upstream: Upstream
) -> None:
    assert "".join(await _stream(client, upstream, _body("korean"))) == KOREAN


async def test_usage_is_the_last_event_when_asked_for(client: aiohttp.ClientSession, upstream: Upstream) -> None:
    body = _body("tokens-50", stream=True, stream_options={"include_usage": True})
    async with client.post(f"{upstream.base_url}/chat/completions", json=body) as response:
        events = await _events(response)
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["choices"] == []
    assert events[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": 50, "total_tokens": 53}


async def test_one_body_and_max_tokens(client: aiohttp.ClientSession, upstream: Upstream) -> None:
    async with client.post(f"{upstream.base_url}/chat/completions", json=_body("tokens-50", max_tokens=3)) as response:
        answer = await response.json()
    assert answer["choices"][0]["message"]["content"] == "w1 w2 w3"
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [401, 429, 500])
async def test_errors_have_their_status_and_shape(
    client: aiohttp.ClientSession, upstream: Upstream, status: int, stream: bool
) -> None:
    body = _body(f"error-{status}", stream=stream)
    async with client.post(f"{upstream.base_url}/chat/completions", json=body) as response:
        assert response.status == status
        assert ("Retry-After" in response.headers) == (status == 429)
        assert set((await response.json())["error"]) == {"message", "type", "param", "code"}


async def test_cut_ends_the_body_in_the_middle(client: aiohttp.ClientSession, upstream: Upstream) -> None:
    async with client.post(f"{upstream.base_url}/chat/completions", json=_body("cut-10", stream=True)) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert upstream.completions[0].outcome == "cut"
    assert upstream.completions[0].tokens_sent == 10


async def test_a_client_that_leaves_is_recorded(client: aiohttp.ClientSession, upstream: Upstream) -> None:
    body = _body("stall-5", stream=True)
    async with client.post(f"{upstream.base_url}/chat/completions", json=body) as response:
        await response.content.readuntil(b" w5")
    record = upstream.completions[0]
    await asyncio.wait_for(record.ended.wait(), 5)
    assert record.closed_early
    assert record.document == body


async def test_scripts_of_tests_win_over_the_names(client: aiohttp.ClientSession, upstream: Upstream) -> None:
    upstream.script("mine", Say(("a", "b")))
    upstream.next_answers((Fail(503, None, "busy"),))
    async with client.post(f"{upstream.base_url}/chat/completions", json=_body("mine")) as response:
        assert response.status == 503
    assert await _stream(client, upstream, _body("mine")) == ["", "a", "b", ""]
    async with client.get(f"{upstream.base_url}/models") as response:
        listed = [model["id"] for model in (await response.json())["data"]]
    assert listed == [*LISTED, "mine"]


async def test_heads_and_bytes_as_they_are_told(client: aiohttp.ClientSession, upstream: Upstream) -> None:
    head = Head(418, "text/plain", (("X-Own", "1"),))
    open_ended = Head(is_framed=False)
    upstream.next_answers((head, Raw(b"a"), Raw(b"b")), (open_ended, Raw(b"c")), (Head(), Raw(b"d"), Cut()))
    url = f"{upstream.base_url}/chat/completions"
    async with client.post(url, json=_body("echo")) as response:
        assert (response.status, response.headers["X-Own"], await response.text()) == (418, "1", "ab")
    async with client.post(url, json=_body("echo")) as response:
        assert (response.content_type, await response.text()) == ("text/event-stream", "c")
    async with client.post(url, json=_body("echo")) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_unknown_models_and_bad_bodies(client: aiohttp.ClientSession, upstream: Upstream) -> None:
    async with client.post(f"{upstream.base_url}/chat/completions", json=_body("nobody")) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (404, "model_not_found")
    for body in (b"", b"[]", b'{"model": "echo"}', b"\xff"):
        async with client.post(f"{upstream.base_url}/chat/completions", data=body) as response:
            assert response.status == 400
    assert upstream.count == 5
