"""Open the resources of a service, and close them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from basechat.infra.agent_client import open_agent_client
from basechat.infra.cache.store import cache_encryptor
from basechat.infra.db import open_database
from basechat.infra.events.tail import EventTail
from basechat.infra.metrics.counters import Counters
from basechat.infra.metrics.minutes import Flusher
from basechat.infra.metrics.prometheus import new_registry
from basechat.infra.redis import open_cache, open_redis
from basechat.infra.redis.ratelimit import RateLimiter
from basechat.infra.resources import Resources
from basechat.infra.telemetry import open_tracer
from basechat.kit.config import Settings
from basechat.llm.metrics import METRIC_RULES


@asynccontextmanager
async def open_resources(
    settings: Settings, *, service: str = "basechat", pool_size: int | None = None, max_overflow: int | None = None
) -> AsyncIterator[Resources]:
    # Open the resources of one process. The sizes are of the pool of each database role.
    async with AsyncExitStack() as stack:
        database = open_database(settings, pool_size=pool_size, max_overflow=max_overflow)
        stack.push_async_callback(database.close)
        cache, state = open_cache(settings), open_redis(settings.state_redis_url)
        reader = open_redis(settings.state_redis_url, max_connections=1)
        for client in (cache, state, reader):
            stack.push_async_callback(client.aclose)
        counters, encryptor = Counters(), cache_encryptor(settings)
        registry = new_registry(counters, METRIC_RULES)
        await stack.enter_async_context(Flusher(counters, state).flushing())
        yield Resources(
            settings=settings,
            database=database,
            cache=cache,
            state=state,
            counters=counters,
            registry=registry,
            tracer=await stack.enter_async_context(open_tracer(settings, service)),
            limiter=RateLimiter(state),
            tail=EventTail(state, reader, encryptor),
            encryptor=encryptor,
            agent=await stack.enter_async_context(open_agent_client(settings)),
        )
