"""Tool choosers: with the real model, or with the embeddings of the scripted upstream."""

from collections.abc import AsyncIterator

import pytest

from basechat.assistant.intent.choice import ToolChooser
from basechat.infra.cache.store import Cache
from basechat.infra.embeddings import Embeddings
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import open_redis
from tests.support.embeddings import embeddings_through, local_embeddings
from tests.support.stack import Servers, Stack
from tests.upstream import Upstream

MODEL = "text-embedding-3-small"
LIMIT = 12


@pytest.fixture(scope="module")
async def real(servers: Servers, stack: Stack) -> AsyncIterator[ToolChooser]:
    """Chooser with the real model. Its timeout is long because the tests share the cores."""
    settings = servers.settings()
    async with open_redis(settings.cache_redis_url) as redis, local_embeddings(servers) as embeddings:
        chooser = ToolChooser(embeddings, Cache(redis, settings, Counters()), limit=LIMIT, timeout=60)
        yield chooser
        await chooser.close()


@pytest.fixture
async def embeddings(servers: Servers, upstream: Upstream) -> AsyncIterator[Embeddings]:
    """Client of the upstream's embeddings: texts that share words are near each other."""
    upstream.models.append(MODEL)
    async with embeddings_through(servers, openai_base_url=upstream.base_url, embedding_model=MODEL) as client:
        yield client


@pytest.fixture
async def cache(servers: Servers) -> AsyncIterator[Cache]:
    """The empty cache server."""
    settings = servers.settings()
    async with open_redis(settings.cache_redis_url) as redis:
        await redis.flushdb()
        yield Cache(redis, settings, Counters())
