"""The client of embeddings: through the gateway, in batches, each text once, and never longer than it may take."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from basechat.infra.agent_client import AgentClient
from basechat.infra.embeddings import BATCH, KEPT, Embeddings, EmbeddingsUnavailableError
from basechat.infra.http import Address
from basechat.services import agent
from tests.support.stack import SECRET, Servers, serving
from tests.upstream import Upstream, embeddings

OWNER = uuid4()
MODEL = "text-embedding-3-small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway of the test's own."""

    http: aiohttp.ClientSession
    upstream: Upstream

    def client(self, model: str | None = MODEL, *, secret: str = SECRET) -> Embeddings:
        """A client without anything kept yet."""
        return Embeddings(AgentClient(self.http, "http://localhost", secret.encode()), model=model)

    @property
    def asked(self) -> list[list[str]]:
        """The texts of each call that came through."""
        return [record.document["input"] for record in self.upstream.embeddings]


@pytest.fixture
async def gateway(servers: Servers, upstream: Upstream) -> AsyncIterator[Gateway]:
    """A gateway whose provider embeds."""
    upstream.models.extend([MODEL, "intfloat/multilingual-e5-small-embed"])
    settings = servers.settings(
        openai_base_url=upstream.base_url, llm_agent_url=f"unix:{servers.folder}/agent-{uuid4().hex[:8]}.sock"
    )
    address = Address.parse(settings.llm_agent_url)
    assert address.socket_path
    async with serving(agent.create_app(settings), address.socket_path), address.client() as http:
        yield Gateway(http=http, upstream=upstream)


async def test_vectors_come_in_the_order_of_the_texts(gateway: Gateway) -> None:
    texts = [f"text {n} 글" for n in range(BATCH * 2 + 3)]
    vectors = await gateway.client().passages(texts, owner_id=OWNER, timeout=5)
    assert [list(vector) for vector in vectors] == [pytest.approx(embeddings.vector(text)) for text in texts]
    assert [len(asked) for asked in gateway.asked] == [BATCH, BATCH, 3]


async def test_a_text_is_asked_for_once(gateway: Gateway) -> None:
    client = gateway.client()
    for _ in range(3):
        await client.passages(["a", "b", "a"], owner_id=OWNER, timeout=5)
        await client.queries(["a"], owner_id=OWNER, timeout=5)
    assert gateway.asked == [["a", "b"]]
    await client.passages(["b", "c"], owner_id=uuid4(), timeout=5)
    assert gateway.asked[1:] == [["c"]]


async def test_the_least_recently_used_vectors_are_evicted(gateway: Gateway) -> None:
    client = gateway.client()
    await client.queries(["first"], owner_id=OWNER, timeout=5)
    await client.passages([f"{n}" for n in range(KEPT)], owner_id=OWNER, timeout=30)
    await client.queries([f"{KEPT - 1}"], owner_id=OWNER, timeout=5)
    before = len(gateway.asked)
    await client.queries(["first"], owner_id=OWNER, timeout=5)
    assert gateway.asked[before:] == [["first"]]


async def test_models_of_e5_get_prefixes(gateway: Gateway) -> None:
    client = gateway.client("intfloat/multilingual-e5-small-embed")
    await client.queries(["cats"], owner_id=OWNER, timeout=5)
    await client.passages(["cats"], owner_id=OWNER, timeout=5)
    assert gateway.asked == [["query: cats"], ["passage: cats"]]


async def test_an_empty_list_makes_no_call(gateway: Gateway) -> None:
    assert await gateway.client().passages([], owner_id=OWNER, timeout=5) == []
    assert gateway.asked == []


async def test_without_a_model_embeddings_are_unavailable(gateway: Gateway) -> None:
    with pytest.raises(EmbeddingsUnavailableError, match="configured"):
        await gateway.client(None).queries(["x"], owner_id=OWNER, timeout=5)
    assert gateway.asked == []


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_an_error_is_one_error(gateway: Gateway, status: int) -> None:
    gateway.upstream.refuse_embeddings(status, None, "no")
    with pytest.raises(EmbeddingsUnavailableError):
        await gateway.client().queries(["x"], owner_id=OWNER, timeout=5)
    gateway.upstream.clear()
    with pytest.raises(EmbeddingsUnavailableError):
        await gateway.client("no-such-model").queries(["x"], owner_id=OWNER, timeout=5)
    with pytest.raises(EmbeddingsUnavailableError):
        await gateway.client(secret="another" * 8).queries(["x"], owner_id=OWNER, timeout=5)


async def test_a_slow_call_times_out(gateway: Gateway) -> None:
    with pytest.raises(EmbeddingsUnavailableError, match="TimeoutError"):
        await gateway.client().queries(["x"], owner_id=OWNER, timeout=0.0001)


@pytest.mark.parametrize(
    "document",
    [{}, {"data": []}, {"data": [1]}, {"data": [{"index": 0}]}, {"data": [{"index": 0, "embedding": []}]},
     {"data": [{"index": 0, "embedding": "AAA"}]}, {"data": [{"index": 0, "embedding": [1, "x"]}]},
     {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}]}],
    ids=str,
)  # fmt: skip
async def test_an_unreadable_answer_is_one_error(gateway: Gateway, document: dict[str, Any]) -> None:
    gateway.upstream.answer_embeddings(document)
    with pytest.raises(EmbeddingsUnavailableError):
        await gateway.client().queries(["x"], owner_id=OWNER, timeout=5)


async def test_plain_numbers_are_read_as_well(gateway: Gateway) -> None:
    gateway.upstream.answer_embeddings({"data": [{"index": 0, "embedding": [0.5, -1, 2]}]})
    assert [list(vector) for vector in await gateway.client().queries(["x"], owner_id=OWNER, timeout=5)] == [
        [0.5, -1.0, 2.0]
    ]


async def test_a_gateway_that_is_down_is_one_error() -> None:
    async with aiohttp.ClientSession() as http:
        client = Embeddings(AgentClient(http, "http://127.0.0.1:9", SECRET.encode()), model=MODEL)
        with pytest.raises(EmbeddingsUnavailableError):
            await client.queries(["x"], owner_id=OWNER, timeout=5)
