"""The local embeddings: OpenAI's API on a Unix socket, bounded, alike for alike texts in both languages."""

import base64
import struct
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from basechat.embedded.layout import Layout
from basechat.embedded.process import running
from basechat.embedded.servers import models
from basechat.embedded.servers.embed_server import ALL_CHARACTERS, BODY_BYTES, TEXT_CHARACTERS, TEXTS
from basechat.kit.config import LOCAL_EMBEDDING_MODEL as MODEL
from tests.support.own import visitor
from tests.support.person import Person, Reply

URL = "/v1/embeddings"
_SHORT = aiohttp.ClientTimeout(total=0.05)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """The server's files while it runs."""
    layout = Layout.of(tmp_path_factory.mktemp("embed"))
    for folder in (layout.run, layout.logs):
        folder.mkdir()
    with running(models.embed_service(layout)):
        yield layout


@pytest.fixture
async def client(layout: Layout) -> AsyncIterator[Person]:
    """Who asks the server."""
    async with visitor(str(layout.socket(models.EMBED))) as somebody:
        yield somebody


async def _vectors(client: Person, *texts: str) -> list[list[float]]:
    reply = await client.post(URL, {"model": MODEL, "input": list(texts)})
    assert reply.status == 200, reply.body
    assert [each["index"] for each in reply.json["data"]] == list(range(len(texts)))
    return [each["embedding"] for each in reply.json["data"]]


def _alike(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_it_is_well_and_lists_its_model(client: Person) -> None:
    assert (await client.get("/health")).json == {"status": "ok"}
    assert [model["id"] for model in (await client.get("/v1/models")).json["data"]] == [MODEL]
    assert (await client.get("/v1/nowhere")).status == 404
    assert (await client.post("/v1/nowhere", {})).status == 404


async def test_a_text_gives_a_unit_vector_and_its_tokens(client: Person) -> None:
    reply = await client.post(URL, {"input": "query: 안녕하세요", "encoding_format": None})
    document = reply.json
    assert (document["object"], document["model"]) == ("list", MODEL)
    assert 3 <= document["usage"]["prompt_tokens"] == document["usage"]["total_tokens"] <= 12
    (vector,) = (each["embedding"] for each in document["data"])
    assert len(vector) == 384
    assert _alike(vector, vector) == pytest.approx(1, abs=1e-4)


async def test_meaning_is_near_across_languages(client: Person) -> None:
    question, weather, refund = await _vectors(
        client,
        "query: 내일 비 와?",
        "passage: Weather forecast: rain, temperature and wind for a place.",
        "passage: Refund a payment of a customer.",
    )
    assert _alike(question, weather) > _alike(question, refund)


async def test_the_prefix_says_what_a_text_is(client: Person) -> None:
    plain, query, passage = await _vectors(client, "cats", "query: cats", "passage: cats")
    assert plain == query
    assert query != passage


async def test_base64_holds_the_same_numbers(client: Person) -> None:
    body = {"input": ["one", "두 번째"]}
    plain = (await client.post(URL, body)).json["data"]
    packed = (await client.post(URL, body | {"encoding_format": "base64"})).json["data"]
    for one, other in zip(plain, packed, strict=True):
        assert struct.unpack("<384f", base64.b64decode(other["embedding"])) == pytest.approx(one["embedding"])


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"input": null}', b'{"input": ""}', b'{"input": []}',
        b'{"input": ["a", ""]}', b'{"input": [1]}', b'{"input": {}}', b'{"input": "a\\u0000b"}',
        b'{"input": "\\ud800"}', b'{"input": "a", "encoding_format": "int8"}', b"[" * 100_000,
    ],
    ids=lambda body: body[:30],
)  # fmt: skip
async def test_bodies_that_are_no_call(client: Person, body: bytes) -> None:
    _check_refusal(await client.ask("POST", URL, data=body), 400)


@pytest.mark.parametrize(
    ("count", "length"),
    [(TEXTS + 1, 1), (1, TEXT_CHARACTERS + 1), (ALL_CHARACTERS // TEXT_CHARACTERS + 1, TEXT_CHARACTERS)],
    ids=["many", "long", "much"],
)
async def test_more_than_it_takes_is_refused(client: Person, count: int, length: int) -> None:
    _check_refusal(await client.post(URL, {"input": ["x" * length] * count}), 400)


async def test_bodies_that_are_too_large(client: Person) -> None:
    _check_refusal(await client.ask("POST", URL, data=b" " * (BODY_BYTES + 1)), 413)
    assert (await client.get("/health")).status == 200


async def test_one_client_that_goes_away_disturbs_nobody(client: Person, layout: Layout) -> None:
    connector = aiohttp.UnixConnector(str(layout.socket(models.EMBED)))
    async with aiohttp.ClientSession(connector=connector) as http:
        with pytest.raises(TimeoutError):
            await http.post(f"http://localhost{URL}", json={"input": "가" * 300}, timeout=_SHORT)
    assert len(await _vectors(client, "hi")) == 1
    assert "Traceback" not in layout.log(models.EMBED).read_text()


def _check_refusal(reply: Reply, status: int) -> None:
    assert reply.status == status
    error: dict[str, Any] = reply.json["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
