"""The parts of the gateway, opened once per process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from opentelemetry.trace import NoOpTracer, Tracer

from basechat.infra.background import background
from basechat.infra.cache.store import Cache
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import open_redis
from basechat.infra.resources import Resources
from basechat.kit.tasks import TaskSet
from basechat.llm.callers import Callers, PendingAuth
from basechat.llm.metering.admission import Admission, AdmissionControl, Quote
from basechat.llm.providers.catalogue import Catalogue
from basechat.llm.providers.configured import Configured
from basechat.llm.providers.provider import Kind
from basechat.llm.providers.updates import REFRESH_SECONDS, ProviderUpdates
from basechat.llm.requests import Scope
from basechat.llm.single_flight.follower import Follower
from basechat.llm.single_flight.leader import Leader
from basechat.llm.single_flight.registry import SingleFlight
from basechat.llm.telemetry import Timings
from basechat.llm.upstream.client import ProviderClient
from basechat.llm.upstream.resilience import CallLimits

_FOLLOWED_AT_ONCE = 256
"""Completions of other processes. Each has a connection that waits for its leader's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The parts of one process of llm-agent."""

    tasks: TaskSet
    callers: Callers
    catalogue: Catalogue
    providers: ProviderClient
    admission: AdmissionControl
    cache: Cache
    cache_scope: Scope
    flights: SingleFlight
    leader: Leader
    follower: Follower
    counters: Counters
    timings: Timings
    tracer: Tracer

    @property
    def is_traced(self) -> bool:
        return not isinstance(self.tracer, NoOpTracer)

    async def admit(self, auth: PendingAuth, quote: Quote) -> Admission:
        """Admit a call of an authorized caller. No provider is called before that; raises `GatewayError`."""
        admission = await self.admission.admit(quote)
        try:
            auth.accept_cached(admission.token)
            await auth.ensure_authorized()
        except BaseException:
            admission.withdraw()
            raise
        return admission


@asynccontextmanager
async def open_gateway(
    resources: Resources, configured: Configured, refresh_seconds: float = REFRESH_SECONDS
) -> AsyncIterator[Gateway]:
    settings = resources.settings
    defaults: Mapping[Kind, str | None] = {"chat": settings.default_model, "embedding": settings.embeds_with}
    async with AsyncExitStack() as stack:
        catalogue = Catalogue(configured.providers, configured.aliases, defaults=defaults)
        stack.push_async_callback(catalogue.close)
        updates = ProviderUpdates(resources.database, resources.secret, configured, catalogue)
        await updates.refresh()
        await stack.enter_async_context(background(updates.run(refresh_seconds)))
        admission = AdmissionControl(resources.state, resources.database, resources.counters)
        await stack.enter_async_context(admission.running())
        listening = open_redis(settings.state_redis_url, max_connections=1)
        following = open_redis(settings.state_redis_url, max_connections=_FOLLOWED_AT_ONCE)
        for client in (listening, following):
            stack.push_async_callback(client.aclose)
        leader = Leader(resources.state, listening, resources.encryptor)
        await stack.enter_async_context(leader.running())
        tasks = await stack.enter_async_context(TaskSet().running())
        flights = SingleFlight(tasks, leader)
        await stack.enter_async_context(flights.running())
        yield Gateway(
            tasks=tasks,
            callers=Callers(resources),
            catalogue=catalogue,
            providers=ProviderClient(CallLimits.of(settings), count=resources.counters.add),
            admission=admission,
            cache=Cache(resources.cache, settings, resources.counters),
            cache_scope=settings.cache_scope,
            flights=flights,
            leader=leader,
            follower=Follower(following, resources.state, resources.encryptor),
            counters=resources.counters,
            timings=Timings(resources.registry),
            tracer=resources.tracer,
        )
