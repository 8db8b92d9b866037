"""OpenAI's own SDK: what it asks for by default, what it reads from answers, which error it makes of which of ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from tests.llm.clients.conftest import CHAT, EMBEDDING, Gateway, make_token
from tests.support.person import Person
from tests.upstream import Call, Cut, Fail, Say, embeddings
from tests.upstream.scripts import KOREAN

HELLO: Any = [{"role": "user", "content": "안녕 hello"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "calculate",
        "description": "Calculate.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string"}},
            "required": ["expression"],
            "additionalProperties": False,
        },
    },
}
TWO_TURNS = ((Say(("Let", " me", " see.")), Call("calculate", {"expression": "6 × 7"})), (Say(("It", " is", " 42.")),))
PICTURE: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[AsyncOpenAI]:
    """The SDK's client; it tries nothing again by itself."""
    gateway.upstream.script(CHAT, Say(("Hello", " there", ".")))
    async with AsyncOpenAI(base_url=gateway.url, api_key=gateway.token, max_retries=0) as made:
        yield made


async def test_models(client: AsyncOpenAI) -> None:
    listed = [model async for model in client.models.list()]
    assert [model.id for model in listed] == [CHAT, "error-500", "cut-10"]
    assert {(model.object, model.owned_by) for model in listed} == {("model", "openai")}


async def test_an_answer_in_one_body(client: AsyncOpenAI, gateway: Gateway) -> None:
    raw = await client.chat.completions.with_raw_response.create(model=CHAT, messages=HELLO)
    answer = raw.parse()
    assert answer.choices[0].message.content == "Hello there."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (2, 3, 5)
    assert raw.headers["x-basechat-provider"] == "openai"
    assert answer._request_id == raw.headers["x-request-id"]
    record = gateway.upstream.completions[-1]
    assert record.document == {"model": CHAT, "messages": HELLO}
    assert record.headers["authorization"] == "Bearer sk-of-the-upstream"


async def test_a_stream(client: AsyncOpenAI, gateway: Gateway) -> None:
    gateway.upstream.script(CHAT, Say(tuple(KOREAN), piece=5))
    chunks = [chunk async for chunk in await client.chat.completions.create(model=CHAT, messages=HELLO, stream=True)]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == KOREAN
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


async def test_a_stream_that_tells_its_usage(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model=CHAT, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    *_, last = [chunk async for chunk in stream]
    assert last.choices == []
    assert last.usage
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (2, 3)


async def test_the_client_that_does_not_know_asyncio(client: AsyncOpenAI, gateway: Gateway) -> None:
    def ask() -> str:
        with OpenAI(base_url=gateway.url, api_key=gateway.token, max_retries=0) as blocking:
            stream = blocking.chat.completions.create(model=CHAT, messages=HELLO, stream=True)
            return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    assert await asyncio.to_thread(ask) == "Hello there."


async def test_tools(client: AsyncOpenAI, gateway: Gateway) -> None:
    gateway.upstream.script_turns(CHAT, *TWO_TURNS)
    asked: Any = {"model": CHAT, "tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False}
    first = await client.chat.completions.create(messages=HELLO, **asked)
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.content == "Let me see."
    (call,) = message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("calculate", {"expression": "6 × 7"})
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "42"}
    past = [*HELLO, message.model_dump(exclude_none=True), result]
    second = await client.chat.completions.create(messages=past, **asked)
    assert second.choices[0].message.content == "It is 42."
    assert gateway.upstream.completions[-1].document == {**asked, "messages": past}


async def test_tools_in_a_stream(client: AsyncOpenAI, gateway: Gateway) -> None:
    gateway.upstream.script_turns(CHAT, *TWO_TURNS)
    async with client.chat.completions.stream(model=CHAT, messages=HELLO, tools=[TOOL]) as stream:
        answer = await stream.get_final_completion()
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == {"expression": "6 × 7"}
    assert answer.choices[0].message.content == "Let me see."


async def test_an_answer_in_a_form_that_was_asked_for(client: AsyncOpenAI, gateway: Gateway) -> None:
    class City(BaseModel):
        name: str
        people: int

    gateway.upstream.script(CHAT, Say(('{"name": "서울",', ' "people": 9300000}')))
    answer = await client.chat.completions.parse(model=CHAT, messages=HELLO, response_format=City)
    assert answer.choices[0].message.parsed == City(name="서울", people=9_300_000)
    told = gateway.upstream.completions[-1].document["response_format"]
    assert told["type"] == "json_schema"
    assert told["json_schema"]["schema"]["properties"].keys() == {"name", "people"}


async def test_what_the_gateway_does_not_know_reaches_the_provider_untouched(
    client: AsyncOpenAI, gateway: Gateway
) -> None:
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, PICTURE]}]
    known: Any = {
        "reasoning_effort": "low", "logprobs": True, "top_logprobs": 2, "seed": 7, "temperature": 0, "n": 1,
        "logit_bias": {"50256": -100}, "stop": ["\n\n", "끝"], "metadata": {"team": "blue"}, "store": False,
        "max_completion_tokens": 5, "response_format": {"type": "json_object"}, "modalities": ["text"],
    }  # fmt: skip
    new: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "x-new": [1.5, None, "두", {}]}
    for stream in (False, True):
        await client.chat.completions.create(model=CHAT, messages=messages, stream=stream, extra_body=new, **known)
        asked = {"model": CHAT, "messages": messages, **known, **new, "stream": stream}
        assert gateway.upstream.completions[-1].document | {"stream": stream} == asked


@pytest.mark.parametrize("packed", [True, False])
async def test_embeddings(client: AsyncOpenAI, gateway: Gateway, packed: bool) -> None:
    texts = ["red apple", "파란 하늘"]
    wanted: Any = {} if packed else {"encoding_format": "float"}
    answer = await client.embeddings.create(model=EMBEDDING, input=texts, **wanted)
    found = {each.index: each.embedding for each in answer.data}
    for index, text in enumerate(texts):
        assert found[index] == pytest.approx(embeddings.vector(text), abs=1e-6)
    assert answer.usage.prompt_tokens == 4
    assert gateway.upstream.embeddings[-1].document["encoding_format"] == ("base64" if packed else "float")


async def test_errors_of_ours(client: AsyncOpenAI, gateway: Gateway, person: Person) -> None:
    ask = client.chat.completions.create
    with pytest.raises(openai.NotFoundError, match="gpt-4o-mini") as unknown:
        await ask(model="gpt-4o-mimi", messages=HELLO)
    assert (unknown.value.code, unknown.value.param, unknown.value.type) == (
        "model_not_found", "model", "not_found_error"
    )  # fmt: skip
    with pytest.raises(openai.BadRequestError, match="messages"):
        await ask(model=CHAT, messages=[])
    with pytest.raises(openai.AuthenticationError) as stranger:
        await client.with_options(api_key="sk-wrong").chat.completions.create(model=CHAT, messages=HELLO)
    assert stranger.value.code == "invalid_api_key"
    for_chats = client.with_options(api_key=await make_token(person, "chat"))
    with pytest.raises(openai.PermissionDeniedError):
        await for_chats.models.list()
    assert gateway.upstream.completions == []


async def test_a_provider_that_is_asked_too_often(client: AsyncOpenAI, gateway: Gateway) -> None:
    gateway.upstream.script(CHAT, Fail(429, "rate_limit_exceeded", "Slow down.", retry_after=60))
    for stream in (False, True):
        with pytest.raises(openai.RateLimitError, match=r"Slow down\.") as limited:
            await client.chat.completions.create(model=CHAT, messages=HELLO, stream=stream)
        assert limited.value.response.headers["retry-after"] == "60"
        assert limited.value.code == "rate_limit_exceeded"


async def test_a_provider_that_fails(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        await client.chat.completions.create(model="error-500", messages=HELLO)


async def test_a_stream_that_breaks_off_is_an_error(client: AsyncOpenAI, gateway: Gateway) -> None:
    gateway.upstream.script(CHAT, Say(("half", " an")), Cut())
    stream = await client.chat.completions.create(model=CHAT, messages=HELLO, stream=True)
    pieces = aiter(stream)
    assert [(await anext(pieces)).choices[0].delta.content for _ in range(3)] == ["", "half", " an"]
    with pytest.raises(openai.APIError) as broken:
        await anext(pieces)
    assert broken.value.code == "provider_cut"


async def test_a_client_that_leaves_ends_the_call(client: AsyncOpenAI, gateway: Gateway) -> None:
    async with await client.chat.completions.create(model=CHAT, messages=HELLO, stream=True) as stream:
        await anext(aiter(stream))
    async with asyncio.timeout(5):
        await gateway.upstream.completions[-1].ended.wait()
