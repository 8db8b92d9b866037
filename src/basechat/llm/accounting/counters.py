"""Which counters a call is counted in: keys in redis-state, and the bounds of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from basechat.llm.accounting.limits import Applied, Limits
from basechat.protocol import Caller

Period = Literal["minute", "day", "month"]
MOST_PLANS = 10_000  # kept; each is a few hundred bytes
MINUTE_UNITS = 60_000
"""What one request or token is in a bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What counts for one limit over one period; money in units."""

    key: str
    applied: Applied
    period: Period
    begins: datetime
    ends: datetime
    requests: int | None = None
    tokens: int | None = None
    cost: int | None = None

    @property
    def is_bucket(self) -> bool:
        """Whether it fills again from moment to moment."""
        return self.period == "minute"

    @property
    def is_window(self) -> bool:
        """Whether it counts a day or a month."""
        return not self.is_bucket

    @property
    def kind(self) -> str:
        """What the scripts call it."""
        return "bucket" if self.is_bucket else "window"


@dataclass(frozen=True, slots=True)
class Plan:
    """The counters of one caller's calls, those first whose refusals last longest."""

    counters: tuple[Counter, ...] = ()
    keys: tuple[str, ...] = ()
    bounds: tuple[str | int, ...] = ()
    windows: tuple[Counter, ...] = ()
    buckets: tuple[Counter, ...] = ()
    bounds_money: bool = field(default=False)


NO_PLAN = Plan()


class Planner:
    """Works out plans, and keeps them until the limits or the memory of redis-state are others."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._state = (0, 0)
        self._plans: dict[tuple[UUID, UUID | None, int], Plan] = {}

    def plan(self, caller: Caller, *, memory: int, at: datetime | None = None) -> Plan:
        """Return the counters of calls that begin at a time (now); `memory` is since when redis-state remembers."""
        if not self._limits:
            return NO_PLAN
        at = at or datetime.now(UTC)
        state = (self._limits.revision, memory)
        if state != self._state or len(self._plans) > MOST_PLANS:
            self._state = state
            self._plans.clear()
        key = (caller.owner_id, caller.token_id, at.toordinal())
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = make_plan(self._limits.applying(caller), memory=memory, at=at)
        return plan


def make_plan(applying: Sequence[Applied], *, memory: int, at: datetime) -> Plan:
    """Return the counters of limits."""
    counters = tuple(
        counter
        for period in ("month", "day", "minute")
        for applied in applying
        if (counter := _counter(applied, period, memory, at)) is not None
    )
    return Plan(
        counters=counters,
        keys=tuple(counter.key for counter in counters),
        bounds=tuple(bound for counter in counters for bound in _bounds(counter)),
        windows=tuple(counter for counter in counters if not counter.is_bucket),
        buckets=tuple(counter for counter in counters if counter.is_bucket),
        bounds_money=any(counter.cost is not None for counter in counters),
    )


def span(period: Period, at: datetime) -> tuple[datetime, datetime]:
    """Return when the period around a time begins and ends, in UTC."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1)
    if period == "day":
        return day, day + timedelta(days=1)
    return at - timedelta(minutes=1), at


def _counter(applied: Applied, period: Period, memory: int, at: datetime) -> Counter | None:
    limit = applied.limit
    who = applied.who.hex if applied.who else "all"
    begins, ends = span(period, at)
    if period == "minute":
        if not limit.bounds_minutes:
            return None
        return Counter(
            key=f"ratelimit:llm:{limit.id.hex}:{who}",
            applied=applied, period=period, begins=begins, ends=ends,
            requests=limit.requests_per_minute, tokens=limit.tokens_per_minute,
        )  # fmt: skip
    is_day = period == "day"
    tokens = limit.tokens_per_day if is_day else limit.tokens_per_month
    cost = limit.cost_per_day if is_day else limit.cost_per_month
    if tokens is None and cost is None:
        return None
    return Counter(
        key=f"budget:{memory}:{limit.id.hex}:{limit.generation}:{who}:{begins:{'%Y%m%d' if is_day else '%Y%m'}}",
        applied=applied, period=period, begins=begins, ends=ends, tokens=tokens, cost=cost,
    )  # fmt: skip


def _bounds(counter: Counter) -> Iterator[str | int]:
    yield counter.kind
    for bound in (counter.requests, counter.tokens) if counter.is_bucket else (counter.tokens, counter.cost):
        yield "" if bound is None else bound
