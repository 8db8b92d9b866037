"""Embeddings through the gateway: in OpenAI's shape, with limits, and by models that can't chat."""

import base64
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from basechat.llm.embeddings import CHARACTERS, INPUTS
from basechat.protocol import INTERNAL_HEADER
from tests.llm.gateway import COMPLETIONS, check_error, own_gateway, question
from tests.support.own import visitor
from tests.support.person import Person
from tests.support.stack import Servers, Stack
from tests.upstream import Upstream, embeddings, running_upstream

EMBEDDINGS = "/v1/embeddings"
SMALL = "text-embedding-3-small"


@pytest.fixture
async def client(stack: Stack, person: Person) -> AsyncIterator[Person]:
    """A program that calls the gateway with a person's token."""
    async with visitor(stack.socket("llm-agent")) as somebody:
        yield Person(somebody.http, person.token)


@pytest.fixture
async def gateway(servers: Servers, person: Person, upstream: Upstream) -> AsyncIterator[Person]:
    """A client of a gateway whose provider has models that embed."""
    upstream.models[:] = ["chatty", "nomic-embed-text:latest", SMALL, "BAAI/bge-m3", "intfloat/e5-base", "gemma-e5x"]
    async with own_gateway(servers, person, openai_base_url=upstream.base_url, embedding_model=SMALL) as client:
        yield client


async def test_vectors_have_the_order_of_the_texts(gateway: Person, upstream: Upstream) -> None:
    texts = ["red apple", "파란 하늘"]
    reply = await gateway.post(EMBEDDINGS, {"model": SMALL, "input": texts})
    assert reply.status == 200
    assert reply.headers["x-basechat-provider"] == "openai"
    assert reply.headers["x-basechat-cache"] == "bypass"
    found = {each["index"]: each["embedding"] for each in reply.json["data"]}
    assert [found[0], found[1]] == [embeddings.vector(text) for text in texts]
    assert upstream.embeddings[-1].document == {"model": SMALL, "input": texts}
    assert INTERNAL_HEADER not in upstream.embeddings[-1].headers


async def test_unknown_fields_reach_the_provider_untouched(gateway: Person, upstream: Upstream) -> None:
    body = {"model": f"openai/{SMALL}", "input": "hi", "dimensions": 64, "encoding_format": "base64", "user": "u"}
    reply = await gateway.post(EMBEDDINGS, body)
    (packed,) = (each["embedding"] for each in reply.json["data"])
    assert struct.unpack("<64f", base64.b64decode(packed)) == pytest.approx(embeddings.vector("hi"))
    assert upstream.embeddings[-1].document == body | {"model": SMALL}


async def test_without_a_model_the_default_one_embeds(gateway: Person, upstream: Upstream) -> None:
    for body in ({"input": "hi"}, {"input": "hi", "model": None}, {"input": "hi", "model": ""}):
        assert (await gateway.post(EMBEDDINGS, body)).json["model"] == SMALL


async def test_embedding_models_have_their_own_list(gateway: Person) -> None:
    listed = {
        kind: [model["id"] for model in (await gateway.get(f"/v1/models?kind={kind}")).json["data"]]
        for kind in ("chat", "embedding")
    }
    assert listed["chat"] == ["chatty", "gemma-e5x"]
    assert listed["embedding"] == [SMALL, "nomic-embed-text:latest", "BAAI/bge-m3", "intfloat/e5-base"]
    assert [model["id"] for model in (await gateway.get("/v1/models")).json["data"]] == listed["chat"]
    check_error(await gateway.get("/v1/models?kind=x"), 400)


async def test_a_model_either_chats_or_embeds(gateway: Person, upstream: Upstream) -> None:
    check_error(await gateway.post(COMPLETIONS, question(model=SMALL)), 404, "model_not_found")
    message = check_error(await gateway.post(EMBEDDINGS, {"model": "text-embedding-3", "input": "x"}), 404)
    assert SMALL in message
    check_error(await gateway.post(EMBEDDINGS, {"model": "chatty", "input": "x"}), 404, "model_not_found")
    assert upstream.embeddings == []


@pytest.mark.parametrize("said", [[1, 2, 3], [[1, 2], [3]]])
async def test_tokens_reach_the_provider(gateway: Person, upstream: Upstream, said: list[Any]) -> None:
    assert (await gateway.post(EMBEDDINGS, {"input": said})).status == 200
    assert upstream.embeddings[-1].document["input"] == said


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"input": null}', b'{"input": ""}', b'{"input": []}',
        b'{"input": ["a", ""]}', b'{"input": ["a", 1]}', b'{"input": [1, "a"]}', b'{"input": [[]]}', b'{"input": {}}',
        b'{"input": [true]}', b'{"input": "\\ud800"}', b'{"input": "a", "model": 1}', b'{"a":' * 100_000,
    ],
    ids=lambda body: body[:30],
)  # fmt: skip
async def test_invalid_bodies(gateway: Person, upstream: Upstream, body: bytes) -> None:
    check_error(await gateway.ask("POST", EMBEDDINGS, data=body), 400)
    assert upstream.embeddings == []


@pytest.mark.parametrize(
    "said",
    ["x" * (CHARACTERS + 1), ["x"] * (INPUTS + 1), ["x" * 1_000] * (CHARACTERS // 1_000 + 1)],
    ids=["long", "many", "much"],
)
async def test_the_size_is_limited(gateway: Person, upstream: Upstream, said: Any) -> None:
    check_error(await gateway.post(EMBEDDINGS, {"input": said}), 400)
    assert upstream.embeddings == []


async def test_a_providers_error_keeps_its_status(gateway: Person, upstream: Upstream) -> None:
    upstream.refuse_embeddings(429, "rate_limit_exceeded", "Slow down.")
    assert check_error(await gateway.post(EMBEDDINGS, {"input": "x"}), 429, "rate_limit_exceeded") == "Slow down."


async def test_unknown_callers_are_refused(client: Person, upstream: Upstream) -> None:
    stranger = Person(client.http)
    check_error(await stranger.post(EMBEDDINGS, {"input": "x"}), 401, "invalid_api_key")
    check_error(await client.post(EMBEDDINGS, {"input": "x"}, headers={INTERNAL_HEADER: "x"}), 401)
    assert not upstream.requests


async def test_without_a_provider_the_error_says_what_to_do(servers: Servers, person: Person) -> None:
    async with own_gateway(servers, person) as client:
        assert "EMBEDDING_MODEL" in check_error(await client.post(EMBEDDINGS, {"input": "x"}), 503)


async def test_the_local_model_is_known_without_a_call_and_does_not_chat(servers: Servers, person: Person) -> None:
    async with own_gateway(servers, person, local_embed_url="http://127.0.0.1:9") as client:
        assert (await client.get("/v1/models")).json["data"] == []
        assert "OPENAI_API_KEY" in check_error(await client.post(COMPLETIONS, question()), 503)
        listed = (await client.get("/v1/models?kind=embedding")).json["data"]
        assert [(model["id"], model["owned_by"]) for model in listed] == [("multilingual-e5-small", "local-embed")]
        check_error(await client.post(EMBEDDINGS, {"input": "x"}), 502)


async def test_a_provider_can_declare_its_embedding_models(servers: Servers, person: Person, tmp_path: Path) -> None:
    async with running_upstream() as lab:
        lab.models[:] = ["answers", "house-embedder"]
        path = tmp_path / "providers.toml"
        path.write_text(
            f'[[providers]]\nname = "lab"\nbase_url = "{lab.base_url}"\nmodels = ["answers"]\n'
            'embedding_models = ["our-embeddings"]'
        )
        async with own_gateway(servers, person, providers_file=path) as client:
            reply = await client.post(EMBEDDINGS, {"input": "x"})
            assert (reply.headers["x-basechat-provider"], reply.json["model"]) == ("lab", "our-embeddings")


async def test_a_provider_without_a_list_may_have_any_model(servers: Servers, person: Person) -> None:
    async with own_gateway(servers, person, openai_base_url="http://127.0.0.1:9/v1") as client:
        check_error(await client.post(EMBEDDINGS, {"model": "any", "input": "x"}), 502)
