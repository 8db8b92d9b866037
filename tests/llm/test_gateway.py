"""The gateway has OpenAI's API: answers and errors of a provider pass through unchanged."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from basechat.kit import json
from basechat.llm.routes import add_gateway_errors
from basechat.protocol import INTERNAL_HEADER
from tests.llm.gateway import COMPLETIONS, check_error, own_gateway, question, streamed
from tests.support.own import visitor
from tests.support.person import Person
from tests.support.stack import Servers, Stack
from tests.upstream import Fail, Say, Upstream, scripts
from tests.upstream.scripts import KOREAN


@pytest.fixture
async def client(stack: Stack, person: Person) -> AsyncIterator[Person]:
    """A program that calls the gateway with a person's token."""
    async with visitor(stack.socket("llm-agent")) as somebody:
        yield Person(somebody.http, person.token)


async def test_models_are_listed_as_openai_lists_them(client: Person, upstream: Upstream) -> None:
    listed = (await client.get("/v1/models")).json
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == upstream.models
    assert {(model["object"], model["owned_by"]) for model in listed["data"]} == {("model", "openai")}
    assert all(isinstance(model["created"], int) for model in listed["data"])


@pytest.mark.parametrize("model", ["echo", "openai/echo"])
async def test_an_answer_in_one_body(client: Person, upstream: Upstream, model: str) -> None:
    reply = await client.post(COMPLETIONS, question("안녕", model))
    assert reply.status == 200
    assert reply.json["choices"][0]["message"]["content"] == "안녕"
    assert reply.json["usage"]["total_tokens"] == 2
    assert reply.headers["x-basechat-provider"] == "openai"
    assert reply.headers["x-basechat-cache"] == "miss"
    assert float(reply.headers["x-basechat-overhead-ms"]) < 5000
    assert upstream.completions[-1].document["model"] == "echo"


async def test_without_a_model_the_default_one_answers(client: Person, upstream: Upstream) -> None:
    for body in (question(model=None), question(model=None) | {"model": None}, question(model="")):
        assert (await client.post(COMPLETIONS, body)).json["model"] == upstream.models[0]


async def test_unknown_fields_reach_the_provider_untouched(client: Person, upstream: Upstream) -> None:
    fields: dict[str, Any] = {
        "reasoning": {"effort": "low"},
        "logit_bias": {"50256": -100},
        "seed": None,
        "x-new": [1.5, "두", {}],
    }
    body = question(**fields, temperature=0)
    assert (await client.post(COMPLETIONS, body)).status == 200
    record = upstream.completions[-1]
    assert record.document == body
    assert record.headers["authorization"] == "Bearer sk-of-the-scripted-upstream"
    assert INTERNAL_HEADER not in record.headers
    assert client.token
    assert client.token not in str(record.headers)


@pytest.mark.parametrize("model", ["tokens-50", "korean", "long-10000", "fail-5", "empty"])
async def test_a_stream_comes_through_byte_for_byte(client: Person, upstream: Upstream, model: str) -> None:
    body = question(model=model, stream_options={"include_usage": True})
    async with streamed(client, body) as response:
        relayed = await response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-basechat-provider"] == "openai"
    async with aiohttp.ClientSession() as http:
        url = f"{upstream.base_url}/chat/completions"
        async with http.post(url, json=body | {"stream": True}) as response:
            direct = await response.read()
    own = rb'"id":"chatcmpl-\d+"|"created":\d+'
    assert re.sub(own, b"", relayed) == re.sub(own, b"", direct)
    assert relayed


async def test_korean_text_in_pieces_arrives_whole(client: Person, upstream: Upstream) -> None:
    async with streamed(client, question(model="korean")) as response:
        lines = [line[6:] for line in (await response.read()).split(b"\n") if line.startswith(b"data: {")]
    assert "".join(json.loads(line)["choices"][0]["delta"].get("content", "") for line in lines) == KOREAN


@pytest.mark.parametrize(("status", "code", "kind"), [
    (401, "invalid_api_key", "authentication_error"), (429, "rate_limit_exceeded", "rate_limit_error"),
    (500, None, "api_error"),
])  # fmt: skip
@pytest.mark.parametrize("stream", [True, False])
async def test_a_providers_error_keeps_its_status(
    client: Person, upstream: Upstream, status: int, code: str | None, kind: str, stream: bool
) -> None:
    reply = await client.post(COMPLETIONS, question(model=f"openai/error-{status}", stream=stream))
    message = check_error(reply, status, code)
    assert message != f"The provider answered with status {status}."
    assert reply.json["error"]["type"] == kind
    assert reply.headers.get("retry-after") == ("2" if status == 429 else None)


@pytest.mark.parametrize("depth", [300, 600])
async def test_a_body_that_is_nested_too_deeply(client: Person, upstream: Upstream, depth: int) -> None:
    deep: Any = 1
    for _ in range(depth):
        deep = [deep]
    check_error(await client.post(COMPLETIONS, question(extra=deep)), 400)
    assert upstream.completions == []


async def test_a_client_that_disconnects_before_its_request_causes_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def read(request: Request) -> Response:
        return Response(await request.body())

    app, sent = Starlette(routes=[Route("/", read)]), list[Any]()
    add_gateway_errors(app)
    parts = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(parts)

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}, receive, send)
    assert sent[0]["status"] == 499
    assert not caplog.records


async def test_the_error_for_an_unknown_model_suggests_similar_ones(client: Person, upstream: Upstream) -> None:
    message = check_error(await client.post(COMPLETIONS, question(model="tokens-5")), 404, "model_not_found")
    assert "tokens-50" in message
    assert upstream.completions == []


async def test_a_cut_stream_ends_with_an_error(client: Person, upstream: Upstream) -> None:
    async with streamed(client, question(model="cut-10")) as response:
        *_, last, empty = (await response.read()).split(b"\n\n")
    assert empty == b""
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "provider_cut"


async def test_a_cut_body_is_a_bad_gateway(client: Person, upstream: Upstream) -> None:
    check_error(await client.post(COMPLETIONS, question(model="cut-10")), 502)


@pytest.mark.parametrize("model", ["garbage", "invalid-utf8"])
async def test_an_invalid_answer_is_not_passed_on(client: Person, upstream: Upstream, model: str) -> None:
    for stream in (True, False):
        reply = await client.post(COMPLETIONS, question(model=model, stream=stream))
        check_error(reply, 502, "provider_garbled")
    upstream.script("echo", Say(("yes",)), *scripts.find_script(model, "") or ())
    async with streamed(client, question()) as response:
        *_, last, empty = (await response.read()).split(b"\n\n")
    assert empty == b""
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "provider_garbled"


async def test_the_call_ends_when_the_client_disconnects(client: Person, upstream: Upstream) -> None:
    async with streamed(client, question(model="stall-5")) as response:
        await response.content.readuntil(b"w5")
        response.close()
    async with asyncio.timeout(5):
        await upstream.completions[-1].ended.wait()
    assert upstream.completions[-1].closed_early


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"model": "echo"}', b'{"messages": []}', b'{"messages": ["hi"]}',
        b'{"messages": {}}', b'{"messages": [{}], "model": 1}', b'{"messages": [{}], "stream": "yes"}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}]}', b'{"a":' * 100_000,
        b'{"messages": [{}], "temperature": NaN}',
    ],
    ids=lambda body: body[:30],
)  # fmt: skip
async def test_invalid_bodies(client: Person, upstream: Upstream, body: bytes) -> None:
    reply = await client.ask("POST", COMPLETIONS, data=body, headers={"content-type": "application/json"})
    check_error(reply, 400)
    assert upstream.completions == []


async def test_other_addresses_and_methods(client: Person) -> None:
    check_error(await client.get("/v1/nowhere"), 404)
    check_error(await client.get(COMPLETIONS), 405)


async def test_unknown_callers_and_forged_services_are_refused(client: Person, upstream: Upstream) -> None:
    stranger = Person(client.http)
    for path in ("/v1/models", COMPLETIONS):
        method = "GET" if path == "/v1/models" else "POST"
        check_error(await stranger.ask(method, path), 401, "invalid_api_key")
        for forged in ("x", "e30=.e30=", ""):
            reply = await client.ask(method, path, headers={INTERNAL_HEADER: forged})
            check_error(reply, 401, "invalid_internal_call")
    assert upstream.completions == []


async def test_a_provider_that_is_down(servers: Servers, person: Person, upstream: Upstream) -> None:
    async with own_gateway(servers, person, openai_base_url="http://127.0.0.1:9/v1") as client:
        check_error(await client.post(COMPLETIONS, question()), 502)
        async with streamed(client, question()) as response:
            assert response.status == 502
        assert (await client.get("/v1/models")).json["data"] == []


async def test_a_transient_failure_is_retried(servers: Servers, person: Person, upstream: Upstream) -> None:
    async with own_gateway(servers, person, openai_base_url=upstream.base_url, provider_retries=1) as client:
        upstream.next_answers((Fail(503, None, "Loading."),))
        assert (await client.post(COMPLETIONS, question())).status == 200
    assert len(upstream.completions) == 2


async def test_a_provider_that_fails_repeatedly_is_not_called_for_a_while(
    servers: Servers, person: Person, upstream: Upstream
) -> None:
    changes = {"openai_base_url": upstream.base_url, "provider_failures_to_open": 2}
    async with own_gateway(servers, person, **changes) as client:
        for _ in range(2):
            check_error(await client.post(COMPLETIONS, question(model="error-500")), 500)
        reply = await client.post(COMPLETIONS, question())
    assert "openai" in check_error(reply, 503, "provider_unavailable")
    assert 1 <= int(reply.headers["retry-after"]) <= 5
    assert len(upstream.completions) == 2


async def test_without_a_provider_the_error_says_what_to_do(servers: Servers, person: Person) -> None:
    async with own_gateway(servers, person) as client:
        assert "OPENAI_API_KEY" in check_error(await client.post(COMPLETIONS, question()), 503)


async def test_bodies_that_are_too_large(client: Person, upstream: Upstream) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(21):
            yield b" " * 1_000_000

    check_error(await client.ask("POST", COMPLETIONS, data=pieces()), 413)
    upstream.script("echo", Say(("ok",)))
    assert (await client.post(COMPLETIONS, question("x" * 900_000))).status == 200
