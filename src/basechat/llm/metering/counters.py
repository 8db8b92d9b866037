"""The counters of a caller's calls: their keys in redis-state, and the bounds of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from basechat.llm.metering.limits import AppliedLimit, LimitCache
from basechat.protocol import Caller

Period = Literal["minute", "day", "month"]
MAX_PLANS = 10_000  # each takes a few hundred bytes
MINUTE_UNITS = 60_000
"""One request or token in a bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """The counter of one limit and one period: a bucket for a minute, a window for a day or a month; money in units."""

    key: str
    applied: AppliedLimit
    period: Period
    begins: datetime
    ends: datetime
    requests: int | None = None
    tokens: int | None = None
    cost: int | None = None

    @property
    def is_bucket(self) -> bool:
        return self.period == "minute"

    @property
    def is_window(self) -> bool:
        return not self.is_bucket

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """Both bounds, in the order of the scripts."""
        return (self.requests, self.tokens) if self.is_bucket else (self.tokens, self.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The counters of one caller, longest period first."""

    counters: tuple[Counter, ...] = ()
    keys: tuple[str, ...] = ()
    bounds: tuple[str | int, ...] = ()
    windows: tuple[Counter, ...] = ()
    buckets: tuple[Counter, ...] = ()
    bounds_money: bool = False


NO_PLAN = Plan()


class Planner:
    """Makes plans, and caches them until the limits change."""

    def __init__(self, limits: LimitCache) -> None:
        self._limits = limits
        self._revision = 0
        self._plans: dict[tuple[UUID, UUID | None, int], Plan] = {}

    def plan(self, caller: Caller, at: datetime) -> Plan:
        """The counters of a call that began at this time."""
        if not self._limits:
            return NO_PLAN
        if self._limits.revision != self._revision or len(self._plans) > MAX_PLANS:
            self._revision = self._limits.revision
            self._plans.clear()
        key = (caller.owner_id, caller.token_id, at.toordinal())
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = make_plan(self._limits.applied_to(caller), at=at)
        return plan


def make_plan(applied: Sequence[AppliedLimit], *, at: datetime) -> Plan:
    counters = tuple(
        counter
        for period in ("month", "day", "minute")
        for each in applied
        if (counter := _counter(each, period, at)) is not None
    )
    return Plan(
        counters=counters,
        keys=tuple(counter.key for counter in counters),
        bounds=tuple(_script_bounds(counters)),
        windows=tuple(counter for counter in counters if counter.is_window),
        buckets=tuple(counter for counter in counters if counter.is_bucket),
        bounds_money=any(counter.cost is not None for counter in counters),
    )


def span(period: Period, at: datetime) -> tuple[datetime, datetime]:
    """Begin and end of the period around a time, in UTC."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1)
    if period == "day":
        return day, day + timedelta(days=1)
    return at - timedelta(minutes=1), at


def _counter(applied: AppliedLimit, period: Period, at: datetime) -> Counter | None:
    limit = applied.limit
    holder = applied.holder.hex if applied.holder else "all"
    begins, ends = span(period, at)
    if period == "minute":
        if limit.requests_per_minute is None and limit.tokens_per_minute is None:
            return None
        return Counter(
            key=f"ratelimit:llm:{limit.id.hex}:{holder}",
            applied=applied, period=period, begins=begins, ends=ends,
            requests=limit.requests_per_minute, tokens=limit.tokens_per_minute,
        )  # fmt: skip
    is_day = period == "day"
    tokens = limit.tokens_per_day if is_day else limit.tokens_per_month
    cost = limit.cost_per_day if is_day else limit.cost_per_month
    if tokens is None and cost is None:
        return None
    return Counter(
        key=f"budget:{limit.id.hex}:{limit.version}:{holder}:{begins:{'%Y%m%d' if is_day else '%Y%m'}}",
        applied=applied, period=period, begins=begins, ends=ends, tokens=tokens, cost=cost,
    )  # fmt: skip


def _script_bounds(counters: Sequence[Counter]) -> Iterator[str | int]:
    for counter in counters:
        for bound in counter.bounds:
            yield "" if bound is None else bound
