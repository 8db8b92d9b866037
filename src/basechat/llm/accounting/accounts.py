"""Admitting calls: one script on redis-state decides everything that must be decided at once."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from basechat.infra.background import background, every
from basechat.infra.metrics.counters import Counters
from basechat.infra.redis import Redis
from basechat.infra.redis.circuit_breaker import CircuitBreaker, RedisUnavailableError
from basechat.llm.accounting.counted import count_call
from basechat.llm.accounting.counters import Plan, Planner
from basechat.llm.accounting.ledger import Ledger
from basechat.llm.accounting.limits import REFRESH_SECONDS, Limits
from basechat.llm.accounting.money import to_units
from basechat.llm.accounting.rebuild import Rebuild, uncounted
from basechat.llm.accounting.refusals import model_without_price, rate_headers, refusal
from basechat.llm.accounting.scripts import ADMIT, MEMORY
from basechat.llm.accounting.sweeping import SWEEP_SECONDS, Sweeper
from basechat.llm.accounting.without_redis import WithoutRedis
from basechat.llm.providers.provider import Kind
from basechat.llm.providers.route import Route
from basechat.llm.usage.book import UsageBook
from basechat.llm.usage.call import Call
from basechat.llm.usage.row import row_of
from basechat.protocol import Caller

log = logging.getLogger(__name__)

BUDGET_SECONDS = 2.0
"""How long a call with limits waits for redis-state: counting elsewhere costs more, and is coarser."""

MAKING_SECONDS = 15.0
"""How long a call waits for counters that are made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who wants to lead which flight, and for how long at first."""

    key: str
    leader: bytes
    lease_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A call that wants to be made: by whom, of what, about how large, and which flight it would lead."""

    caller: Caller
    route: Route
    kind: Kind = "chat"
    prompt_tokens: int = 0
    completion_tokens: int | None = None
    """At most; None where the request does not say."""
    claim: Claim | None = None
    token_key: str = ""
    """Where redis-state has what the caller's token is worth, to be read on the way."""


@dataclass(slots=True, kw_only=True)
class Admission:
    """A call that may be made, or that has a leader already, to be followed."""

    call: Call | None = None
    leader: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ledger: Ledger | None = None
    claim: Claim | None = None
    token: bytes | None = None
    """What was found at `token_key`, if anything."""
    bounds_money: bool = False

    def allowed(self, routes: Sequence[Route]) -> Sequence[Route]:
        """Return which routes may be tried: a budget of money can't count what has no price."""
        return [route for route in routes if route.price is not None] if self.bounds_money else routes

    def withdraw(self) -> None:
        """Undo it in the background: the call is not made after all, and took nothing."""
        if self.call is not None and self.ledger is not None:
            self.ledger.withdraw(self.call, (self.claim.key, self.claim.leader) if self.claim else None)


class Accounts:
    """Admits calls, and sees to it that each is settled."""

    def __init__(
        self, state: Redis, book: UsageBook, counters: Counters, *, expected_completion_tokens: int = 1024
    ) -> None:
        """`expected_completion_tokens` are reserved where a request does not say how long its answer may be."""
        self._expected = expected_completion_tokens
        self._counters = counters
        self.limits = Limits(book.database)
        self._book = book
        self._breaker = CircuitBreaker("redis-state")
        self._budget_breaker = CircuitBreaker("redis-state", seconds=BUDGET_SECONDS)
        self._planner = Planner(self.limits)
        self._admit = state.register_script(ADMIT)
        self._ledger = Ledger(state, self._planner, scripts=(ADMIT,))
        self._rebuild = Rebuild(state, book.database, self._ledger)
        self._sweeper = Sweeper(state, book.database, self._ledger)
        self._without_redis = WithoutRedis(book.database, self.limits)
        book.witness = self._ledger

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write rows, settle calls, read limits and close what dead processes left, in the background."""
        await self.limits.refresh()
        upkeep = (every(REFRESH_SECONDS, self.limits.refresh), every(SWEEP_SECONDS, self._sweep))
        async with self._ledger.running(), self._book.writing(), background(*upkeep):
            yield

    async def admit(self, ask: Ask) -> Admission:
        """Let a call be made, unless its flight has a leader already; raises `GatewayError`."""
        call = Call(
            ask.caller,
            provider=ask.route.provider.name,
            model=ask.route.model,
            kind=ask.kind,
            price=ask.route.price,
            prompt_estimate=ask.prompt_tokens,
            reserved_tokens=ask.prompt_tokens + self._completion_tokens(ask),
            settled=self._settle,
        )
        try:
            admission = await self._admit_shared(ask, call)
        except RedisUnavailableError:
            admission = await self._admit_alone(ask, call)
        except asyncio.CancelledError:
            self._give_up(ask, call)
            raise
        if admission.call is not None:
            self._book.enter(call)
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
        """Note an answer that came from the cache or from another's flight: it took nothing from any budget."""
        call = Call(caller, provider=route.provider.name, model=route.model, kind=kind, settled=self._settle)
        call.note_cached(prompt_tokens, completion_tokens, first_token_ms, duration_ms)

    def _completion_tokens(self, ask: Ask) -> int:
        if ask.kind == "embedding":
            return 0
        return self._expected if ask.completion_tokens is None else ask.completion_tokens

    def _settle(self, call: Call) -> None:
        count_call(self._counters, call)
        self._book.settle(call)

    async def _admit_shared(self, ask: Ask, call: Call) -> Admission:
        until = time.monotonic() + MAKING_SECONDS
        while time.monotonic() < until:
            plan = self._plan(ask, call)
            token, (code, *told) = await self._ask(plan, ask, call)
            if code == b"led":
                return Admission(leader=told[0], token=token)
            if code == b"admitted":
                self._ledger.open(call, (counter.key for counter in plan.windows))
                headers = rate_headers(plan.buckets, told[0])
                return self._admission(ask, call, headers, bounds_money=plan.bounds_money, token=token)
            if code == b"refused":
                raise _refused(plan, call, told)
            await self._rebuild.make([plan.counters[number - 1] for number in told])
        raise uncounted()

    async def _admit_alone(self, ask: Ask, call: Call) -> Admission:
        """Admit a call without redis-state, which may have reserved for it before it fell silent."""
        plan = self._plan(ask, call)
        try:
            headers = await self._without_redis.admit(plan, call, living=self._ledger.memory.living)
        except BaseException:
            self._give_up(ask, call)
            raise
        self._ledger.open(call, known=False)
        return self._admission(ask, call, headers, bounds_money=plan.bounds_money)

    def _plan(self, ask: Ask, call: Call) -> Plan:
        plan = self._planner.plan(ask.caller, memory=self._ledger.memory.began)
        if plan.bounds_money and call.reserved_cost is None:
            raise model_without_price(call.model)
        return plan

    async def _ask(self, plan: Plan, ask: Ask, call: Call) -> Sequence[Any]:
        memory = self._ledger.memory
        if plan.counters and not memory.began:
            raise RedisUnavailableError
        claim = ask.claim
        keys = [MEMORY, memory.journal, claim.key if claim else "", *plan.keys, ask.token_key]
        values: list[Any] = [
            claim.leader if claim else b"",
            claim.lease_ms if claim else 0,
            str(call.id),
            row_of(call),
            call.reserved_tokens,
            to_units(call.reserved_cost) if plan.bounds_money else 0,
            *plan.bounds,
        ]
        breaker = self._budget_breaker if plan.counters else self._breaker
        return await breaker.call(lambda: cast("Awaitable[Sequence[Any]]", self._admit(keys, values)))

    def _give_up(self, ask: Ask, call: Call) -> None:
        self._admission(ask, call, {}, bounds_money=False).withdraw()

    def _admission(
        self, ask: Ask, call: Call, headers: Mapping[str, str], *, bounds_money: bool, token: bytes | None = None
    ) -> Admission:
        return Admission(
            call=call, headers=headers, ledger=self._ledger, claim=ask.claim, bounds_money=bounds_money, token=token
        )

    async def _sweep(self) -> None:
        if self._ledger.overflowed:
            await self.limits.count_anew()
            self._ledger.overflowed = False
        await self._sweeper.sweep()


def _refused(plan: Plan, call: Call, told: Sequence[Any]) -> Exception:
    """Return the refusal that the script tells: by which counter, of what, how much there is, and until when."""
    number, what, had, wait_ms, levels = told
    counter = plan.counters[number - 1]
    wanted = to_units(call.reserved_cost) if what == b"cost" else call.reserved_tokens
    full = [*levels, *[None] * (2 * len(plan.buckets) - len(levels))]
    return refusal(counter, what.decode(), had, wait_ms, wanted, rate_headers(plan.buckets, full))
