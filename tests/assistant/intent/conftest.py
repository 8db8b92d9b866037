"""What decides in these tests: with the real model, or with the scripted upstream's embeddings."""

from collections.abc import AsyncIterator

import pytest

from basechat.assistant.intent.intents import Intents
from basechat.infra.cache.store import Cache
from basechat.infra.embeddings import Embeddings
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import open_redis
from tests.support.embeddings import embeddings_through, local_embeddings
from tests.support.stack import Servers
from tests.upstream import Upstream

MODEL = "text-embedding-3-small"
LIMIT = 12


@pytest.fixture(scope="module")
async def real(servers: Servers) -> AsyncIterator[Intents]:
    """Decides by the real model; with patience, since the cores are shared."""
    settings = servers.settings()
    async with open_redis(settings.cache_redis_url) as redis, local_embeddings(servers) as embeddings:
        intents = Intents(embeddings, Cache(redis, settings, Counters()), limit=LIMIT, patience=60)
        yield intents
        await intents.close()


@pytest.fixture
async def embeddings(servers: Servers, upstream: Upstream) -> AsyncIterator[Embeddings]:
    """A client of the upstream's embeddings, which are near as texts share words."""
    upstream.models.append(MODEL)
    async with embeddings_through(servers, openai_base_url=upstream.base_url, embedding_model=MODEL) as client:
        yield client


@pytest.fixture
async def cache(servers: Servers) -> AsyncIterator[Cache]:
    """The cache server with nothing in it."""
    settings = servers.settings()
    async with open_redis(settings.cache_redis_url) as redis:
        await redis.flushdb()
        yield Cache(redis, settings, Counters())
