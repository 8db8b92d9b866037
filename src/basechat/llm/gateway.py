"""What the gateway works with: opened once per process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from opentelemetry.trace import NoOpTracer, Tracer

from basechat.infra.background import background
from basechat.infra.cache.store import Cache
from basechat.infra.metrics.counters import Counters
from basechat.infra.metrics.timings import Timings
from basechat.infra.redis import open_redis
from basechat.infra.resources import Resources
from basechat.kit.tasks import TaskSet
from basechat.llm.accounting.accounts import Accounts
from basechat.llm.answers.key import Scope
from basechat.llm.callers import Callers
from basechat.llm.flights.flights import Flights
from basechat.llm.flights.follow import Follower
from basechat.llm.flights.lead import Leader
from basechat.llm.providers.catalogue import Catalogue
from basechat.llm.providers.configured import Configured
from basechat.llm.providers.provider import Kind
from basechat.llm.providers.updates import ProviderUpdates
from basechat.llm.upstream.client import ProviderClient
from basechat.llm.upstream.retries import CallLimits
from basechat.llm.usage.book import UsageBook

_FOLLOWED_AT_ONCE = 256
"""Flights of other processes, each with a connection that waits for what its leader writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The parts of one process of llm-agent."""

    tasks: TaskSet
    callers: Callers
    catalogue: Catalogue
    providers: ProviderClient
    accounts: Accounts
    cache: Cache
    cache_scope: Scope
    flights: Flights
    leader: Leader
    follower: Follower
    counters: Counters
    timings: Timings
    tracer: Tracer

    @property
    def is_traced(self) -> bool:
        """Whether anybody collects spans."""
        return not isinstance(self.tracer, NoOpTracer)


@asynccontextmanager
async def open_gateway(resources: Resources, configured: Configured) -> AsyncIterator[Gateway]:
    """Open the parts, with the providers that the settings name."""
    settings = resources.settings
    defaults: Mapping[Kind, str | None] = {"chat": settings.default_model, "embedding": settings.embeds_with}
    async with AsyncExitStack() as stack:
        catalogue = Catalogue(configured.providers, configured.aliases, defaults=defaults)
        stack.push_async_callback(catalogue.close)
        updates = ProviderUpdates(resources.database, resources.secret, configured, catalogue)
        await updates.refresh()
        await stack.enter_async_context(background(updates.run(settings.provider_refresh_seconds)))
        accounts = Accounts(
            resources.state,
            UsageBook(resources.database),
            resources.counters,
            expected_completion_tokens=settings.expected_completion_tokens,
        )
        await stack.enter_async_context(accounts.running())
        listening = open_redis(settings.state_redis_url, max_connections=1)
        following = open_redis(settings.state_redis_url, max_connections=_FOLLOWED_AT_ONCE)
        for client in (listening, following):
            stack.push_async_callback(client.aclose)
        leader = Leader(resources.state, listening, resources.encryptor)
        await stack.enter_async_context(leader.running())
        tasks = await stack.enter_async_context(TaskSet().running())
        flights = Flights(tasks, is_wanted_elsewhere=leader.is_wanted)
        await stack.enter_async_context(flights.running())
        yield Gateway(
            tasks=tasks,
            callers=Callers(resources),
            catalogue=catalogue,
            providers=ProviderClient(CallLimits.of(settings), count=resources.counters.add),
            accounts=accounts,
            cache=Cache(resources.cache, settings, resources.counters),
            cache_scope=settings.cache_scope,
            flights=flights,
            leader=leader,
            follower=Follower(following, resources.state, resources.encryptor),
            counters=resources.counters,
            timings=resources.timings,
            tracer=resources.tracer,
        )
