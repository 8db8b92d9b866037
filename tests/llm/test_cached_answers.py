"""Stored answers: the same text and usage as the first time, in the requested form, and only complete answers."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from basechat.kit import json
from tests.llm.gateway import COMPLETIONS, own_gateway, question, streamed
from tests.support.own import visitor
from tests.support.person import Person, Reply
from tests.support.stack import Servers, Stack
from tests.upstream import Call, Cut, Fail, Raw, Say, Upstream
from tests.upstream.scripts import KOREAN

ASKS_USAGE = {"stream_options": {"include_usage": True}}


@pytest.fixture
async def client(stack: Stack, person: Person) -> AsyncIterator[Person]:
    """A program that calls the gateway with a person's token."""
    async with visitor(stack.socket("llm-agent")) as somebody:
        yield Person(somebody.http, person.token)


async def _stream(client: Person, body: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """Where a streamed answer came from, and its chunks; checks that it ends as a stream does."""
    async with streamed(client, body) as response:
        *events, done, empty = (await response.read()).split(b"\n\n")
        assert (done, empty) == (b"data: [DONE]", b"")
        chunks = [json.loads(event.removeprefix(b"data: ")) for event in events]
        assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
        return response.headers["x-basechat-cache"], chunks


def _text(chunks: list[dict[str, Any]]) -> str:
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])


def _source_text_usage(reply: Reply) -> tuple[str, str, Any]:
    """The cache header, the text and the usage of an answer."""
    assert reply.status == 200, reply.body
    assert reply.json["object"] == "chat.completion"
    return reply.headers["x-basechat-cache"], reply.json["choices"][0]["message"]["content"], reply.json["usage"]


async def test_a_second_request_gets_the_stored_answer_in_either_form(client: Person, upstream: Upstream) -> None:
    body = question(model="korean")
    label, chunks = await _stream(client, body | ASKS_USAGE)
    usage = chunks[-1]["usage"]
    assert (label, _text(chunks)) == ("miss", KOREAN)
    first, second = await client.post(COMPLETIONS, body), await client.post(COMPLETIONS, body)
    assert _source_text_usage(first) == _source_text_usage(second) == ("hit", KOREAN, usage)
    assert first.json["id"] != second.json["id"]
    assert first.headers["x-basechat-provider"] == "openai"
    label, chunks = await _stream(client, body | ASKS_USAGE)
    assert (label, _text(chunks), chunks[-1]["usage"]) == ("hit", KOREAN, usage)
    assert [c["choices"][0]["finish_reason"] for c in chunks[:-1]] == [None, "stop"]
    label, chunks = await _stream(client, body)
    assert (label, _text(chunks)) == ("hit", KOREAN)
    assert all(chunk["choices"] for chunk in chunks)
    assert len(upstream.completions) == 1


async def test_a_stored_body_is_replayed_as_a_stream(client: Person, upstream: Upstream) -> None:
    upstream.script("echo", Say(("Let me see.",)), Call("calculate", {"expression": "6 × 7"}), Call("noon", "{}"))
    body = question()
    whole = (await client.post(COMPLETIONS, body)).json["choices"][0]
    label, chunks = await _stream(client, body)
    calls = chunks[0]["choices"][0]["delta"]["tool_calls"]
    assert label == "hit"
    assert [call.pop("index") for call in calls] == [0, 1]
    assert calls == whole["message"]["tool_calls"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert _source_text_usage(await client.post(COMPLETIONS, body))[0] == "hit"


async def test_calls_and_unknown_fields_survive_a_stream(client: Person, upstream: Upstream) -> None:
    upstream.script("echo", Say(("Well.",)), Call("calculate", {"expression": "6 × 7"}), Call("noon", "{}"))
    whole = (await client.post(COMPLETIONS, question("a"))).json["choices"][0]
    await _stream(client, question("b"))
    kept = (await client.post(COMPLETIONS, question("b"))).json["choices"][0]
    for call in (*whole["message"]["tool_calls"], *kept["message"]["tool_calls"]):
        del call["id"]  # numbered by the upstream
    assert kept["message"] == {name: value for name, value in whole["message"].items() if name != "refusal"}
    said = [
        {"id": "x", "created": 5, "model": "m", "system_fingerprint": "fp", "choices": [
            {"index": index, "delta": delta, "finish_reason": end, "logprobs": {"content": [{"token": str(n)}]}}]}
        for n, (index, delta, end) in enumerate([
            (0, {"role": "assistant", "reasoning_content": "Thi"}, None), (1, {"content": "Two"}, None),
            (0, {"reasoning_content": "nk."}, None), (0, {"content": "One", "seen": [{"url": "u"}]}, "stop"),
            (1, {"content": "!"}, "stop")])
    ]  # fmt: skip
    events = b"".join(b"data: %b\n\n" % json.dumps(each) for each in said) + b"data: [DONE]\n\n"
    upstream.script("echo", Raw(events))
    async with streamed(client, question("c")) as response:
        assert await response.read() == events
    document = (await client.post(COMPLETIONS, question("c"))).json
    assert {name: document[name] for name in ("created", "model", "system_fingerprint")} == {
        "created": 5, "model": "m", "system_fingerprint": "fp"
    }  # fmt: skip
    one, two = document["choices"]
    assert one["message"] == {
        "role": "assistant", "reasoning_content": "Think.", "content": "One", "seen": [{"url": "u"}]
    }  # fmt: skip
    assert one["logprobs"] == {"content": [{"token": "0"}, {"token": "2"}, {"token": "3"}]}
    assert (two["index"], two["message"]["content"], two["finish_reason"]) == (1, "Two!", "stop")


async def test_no_cache_gets_a_new_answer_which_is_stored(client: Person, upstream: Upstream) -> None:
    body, fresh = question(), {"cache-control": "no-cache"}
    for text in ("first", "second"):
        upstream.script("echo", Say((text,)))
        assert _source_text_usage(await client.post(COMPLETIONS, body, headers=fresh))[:2] == ("bypass", text)
    assert _source_text_usage(await client.post(COMPLETIONS, body))[:2] == ("hit", "second")
    private = {"cache-control": "No-Store"}
    for text in ("third", "fourth"):
        upstream.script("echo", Say((text,)))
        assert _source_text_usage(await client.post(COMPLETIONS, body, headers=private))[:2] == ("bypass", text)
    assert _source_text_usage(await client.post(COMPLETIONS, body))[:2] == ("hit", "second")


async def test_answers_are_stored_per_owner(client: Person, other: Person, upstream: Upstream) -> None:
    body = question(f"{uuid4()}")
    assert _source_text_usage(await client.post(COMPLETIONS, body))[0] == "miss"
    stranger = Person(client.http, other.token)
    assert _source_text_usage(await stranger.post(COMPLETIONS, body))[0] == "miss"
    assert _source_text_usage(await stranger.post(COMPLETIONS, body))[0] == "hit"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("script", [
    (Fail(400, None, "no"),), (Say((" ", "\n")),), (), (Say(("ab",)), Cut()), (Say(("ab",)), Fail(500, None, "oh")),
    (Raw(b'{"error": {"message": "late"}}'),), (Raw(b'{"choices": []}'),),
], ids=["refused", "blank", "empty", "cut", "failed", "error as an answer", "no choice"])  # fmt: skip
async def test_an_incomplete_answer_is_not_stored(
    client: Person, upstream: Upstream, script: tuple[Any, ...], stream: bool
) -> None:
    body = question(f"{uuid4()}")
    upstream.script("echo", *script)
    async with client.http.post(
        f"http://localhost{COMPLETIONS}", json=body | {"stream": stream}, headers=client._headers(None)
    ) as response:
        await response.read()
    upstream.script("echo", Say(("well",)))
    assert _source_text_usage(await client.post(COMPLETIONS, body))[:2] == ("miss", "well")


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_of_the_maximum_length_is_not_stored(client: Person, upstream: Upstream, stream: bool) -> None:
    body = question(model="tokens-50", max_tokens=3)
    for _ in range(2):
        if stream:
            assert (await _stream(client, body))[0] == "miss"
        else:
            assert _source_text_usage(await client.post(COMPLETIONS, body))[:2] == ("miss", "w1 w2 w3")


async def test_single_messages_are_shared_with_scope_global(
    servers: Servers, person: Person, other: Person, upstream: Upstream
) -> None:
    body = question(f"{uuid4()}")
    async with own_gateway(servers, person, openai_base_url=upstream.base_url, cache_scope="global") as client:
        assert _source_text_usage(await client.post(COMPLETIONS, body))[0] == "miss"
        stranger = Person(client.http, other.token)
        assert _source_text_usage(await stranger.post(COMPLETIONS, body))[0] == "hit"
        said = [*body["messages"], {"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
        for each in (client, stranger):
            assert _source_text_usage(await each.post(COMPLETIONS, body | {"messages": said}))[0] == "miss"


async def test_nothing_is_stored_with_no_store_or_scope_off(
    servers: Servers, person: Person, upstream: Upstream
) -> None:
    async with own_gateway(servers, person, openai_base_url=upstream.base_url, cache_scope="off") as client:
        for _ in range(2):
            assert _source_text_usage(await client.post(COMPLETIONS, question()))[0] == "bypass"
