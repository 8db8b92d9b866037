"""Admission: one script on redis-state claims the shared completion, checks all limits and reserves."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from basechat.infra.background import background, every
from basechat.infra.db import Database
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import Redis, load_script
from basechat.infra.redis.circuit_breaker import CircuitBreaker, RedisUnavailableError
from basechat.llm.metering.call import Call
from basechat.llm.metering.limits import REFRESH_SECONDS, LimitCache, Plan, Planner, to_units
from basechat.llm.metering.rebuild import CounterLoader
from basechat.llm.metering.reconcile import CLOSE_SECONDS, Reconciler
from basechat.llm.metering.refusals import budget_unknown, model_without_price, rate_headers, refusal
from basechat.llm.metering.settlement import SettlementQueue
from basechat.llm.metering.without_redis import HEARTBEAT_SECONDS, Membership, WithoutRedis
from basechat.llm.metering.writer import UsageWriter
from basechat.llm.providers.catalogue import Route
from basechat.llm.providers.provider import Kind
from basechat.protocol import Caller

EXPECTED_COMPLETION_TOKENS = 1_024
"""Reserved for an answer whose request sets no bound."""

BUDGET_TIMEOUT_SECONDS = 2.0
"""How long a call with limits waits for redis-state. The fallback is slower and less exact."""

REBUILD_TIMEOUT_SECONDS = 15.0
"""How long a call waits for counters that are rebuilt."""

_ADMIT = load_script("basechat.llm.metering", "admit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim to lead a shared completion, with its first lease."""

    key: str
    leader: bytes
    lease_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A call to be admitted: its caller, its route and its estimated size."""

    caller: Caller
    route: Route
    kind: Kind = "chat"
    prompt_tokens: int = 0
    completion_tokens: int | None = None
    """The bound of the request, if it sets one."""
    claim: Claim | None = None
    token_key: str = ""
    """Key of the cached owner of the caller's token, which the script reads, too."""


@dataclass(slots=True, kw_only=True)
class Admission:
    """A call that may be made, or the leader whose answer to follow."""

    call: Call | None = None
    leader: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    token: bytes | None = None
    """The value of `token_key`."""
    bounds_money: bool = False
    claim: Claim | None = None
    settlements: SettlementQueue | None = None

    def allowed(self, routes: Sequence[Route]) -> Sequence[Route]:
        # The routes that may be tried. A budget in dollars excludes models without a price.
        return [route for route in routes if route.price is not None] if self.bounds_money else routes

    def withdraw(self) -> None:
        if self.call is None:
            return
        if self.claim is not None and self.settlements is not None:
            self.settlements.release(self.claim.key, self.claim.leader)
        self.call.end("withdrawn")


class AdmissionControl:
    """Admits calls, and runs all that records and settles them."""

    def __init__(self, state: Redis, database: Database, counters: Counters) -> None:
        self.limits = LimitCache(database)
        self.membership = Membership(state)
        planner = Planner(self.limits)
        self.settlements = SettlementQueue(state, planner)
        self.reconciler = Reconciler(state, database)
        self._planner = planner
        self._counters = counters
        self._writer = UsageWriter(database, on_recorded=self.settlements.add)
        self._loader = CounterLoader(state, database, self._writer, self.reconciler)
        self._without_redis = WithoutRedis(database, self.limits, self._writer)
        self._admit = state.register_script(_ADMIT)
        self._breaker = CircuitBreaker("redis-state")
        self._budget_breaker = CircuitBreaker("redis-state", seconds=BUDGET_TIMEOUT_SECONDS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.limits.refresh()
        await self.membership.heartbeat()
        upkeep = (
            every(REFRESH_SECONDS, self.limits.refresh),
            every(HEARTBEAT_SECONDS, self.membership.heartbeat),
            every(CLOSE_SECONDS, self.reconciler.close_rows),
            every(CLOSE_SECONDS, self.reconciler.reconcile),
        )
        async with self.settlements.running(), self._writer.running(), background(*upkeep):
            yield
        await self.membership.leave()

    async def admit(self, quote: Quote) -> Admission:
        """Admit a call, unless its shared completion has a leader already; raises `GatewayError`."""
        call = Call(
            quote.caller,
            provider=quote.route.provider.name,
            model=quote.route.model,
            kind=quote.kind,
            price=quote.route.price,
            prompt_estimate=quote.prompt_tokens,
            reserved_tokens=quote.prompt_tokens + _completion_tokens(quote),
            settled=self._end,
        )
        try:
            admission = await self._admit_by_script(quote, call)
        except RedisUnavailableError:
            admission = await self._admit_without_redis(quote, call)
        except asyncio.CancelledError:
            self._admission(quote, call, {}).withdraw()
            raise
        if admission.call is not None:
            self._writer.begin(call)
        return admission

    def note_cached(
        self,
        caller: Caller,
        route: Route,
        kind: Kind,
        prompt_tokens: int,
        completion_tokens: int,
        first_token_ms: int,
        duration_ms: int,
    ) -> None:
        """Record an answer of the cache or of another call: it counts for no limit."""
        call = Call(caller, provider=route.provider.name, model=route.model, kind=kind, settled=self._end)
        call.note_cached(prompt_tokens, completion_tokens, first_token_ms, duration_ms)

    def _end(self, call: Call) -> None:
        _count(self._counters, call)
        self._writer.end(call)

    async def _admit_by_script(self, quote: Quote, call: Call) -> Admission:
        deadline = time.monotonic() + REBUILD_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            plan = self._plan(call)
            token, (outcome, *details) = await self._run_script(plan, quote, call)
            if outcome == b"led":
                return Admission(leader=details[0], token=token)
            if outcome == b"admitted":
                headers = rate_headers(plan.buckets, details[0])
                return self._admission(quote, call, headers, bounds_money=plan.bounds_money, token=token)
            if outcome == b"refused":
                raise _refused(plan, call, details)
            await self._loader.load([plan.counters[number - 1] for number in details])
        raise budget_unknown()

    async def _admit_without_redis(self, quote: Quote, call: Call) -> Admission:
        """Admit a call by PostgreSQL. Redis may have reserved for it without sending the reply."""
        plan = self._plan(call)
        try:
            headers = await self._without_redis.admit(plan, call, processes=self.membership.size)
        except BaseException:
            self._admission(quote, call, {}).withdraw()
            raise
        return self._admission(quote, call, headers, bounds_money=plan.bounds_money)

    def _plan(self, call: Call) -> Plan:
        plan = self._planner.plan(call.caller, call.began)
        if plan.bounds_money and call.reserved_cost is None:
            raise model_without_price(call.model)
        return plan

    async def _run_script(self, plan: Plan, quote: Quote, call: Call) -> Sequence[Any]:
        claim = quote.claim
        keys = [claim.key if claim else "", *plan.keys, quote.token_key]
        values: list[Any] = [
            claim.leader if claim else b"",
            claim.lease_ms if claim else 0,
            str(call.id),
            call.reserved_tokens,
            to_units(call.reserved_cost),
            *plan.bounds,
        ]
        breaker = self._budget_breaker if plan.counters else self._breaker
        return await breaker.call(lambda: cast("Awaitable[Sequence[Any]]", self._admit(keys, values)))

    def _admission(
        self,
        quote: Quote,
        call: Call,
        headers: Mapping[str, str],
        *,
        bounds_money: bool = False,
        token: bytes | None = None,
    ) -> Admission:
        return Admission(
            call=call,
            headers=headers,
            settlements=self.settlements,
            claim=quote.claim,
            bounds_money=bounds_money,
            token=token,
        )


def _completion_tokens(quote: Quote) -> int:
    if quote.kind == "embedding":
        return 0
    return EXPECTED_COMPLETION_TOKENS if quote.completion_tokens is None else quote.completion_tokens


def _refused(plan: Plan, call: Call, details: Sequence[Any]) -> Exception:
    """The error for a reply of the script: the counter, the unit, its level, the wait in ms, and the levels."""
    number, unit, level, wait_ms, levels = details
    wanted = to_units(call.reserved_cost) if unit == b"cost" else call.reserved_tokens
    all_levels = [*levels, *[None] * (2 * len(plan.buckets) - len(levels))]
    headers = rate_headers(plan.buckets, all_levels)
    return refusal(plan.counters[number - 1], unit.decode(), level, wait_ms, wanted, headers)


def _count(counters: Counters, call: Call) -> None:
    """Add an ended call to the metrics. An answer of the cache adds no tokens."""
    if call.status == "withdrawn":
        return
    counters.add("llm.calls")
    if call.cached:
        return
    counters.add("llm.tokens.prompt", call.prompt_tokens or 0)
    counters.add("llm.tokens.completion", call.completion_tokens or 0)
    if call.cost:
        counters.add("llm.cost", float(call.cost))
    if call.status == "failed":
        counters.add("llm.failures")
