"""The limits that administrators set, and the counters of a caller's calls under these limits."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, text

from basechat.infra.db import DATABASE_ERRORS, Database
from basechat.protocol import Caller

log = logging.getLogger(__name__)

Subject = Literal["all", "user", "token"]

REFRESH_SECONDS = 2.0

UNITS_PER_DOLLAR = 100_000_000
"""Redis counts in doubles, which are exact up to 2⁵³: 90 million dollars."""

MAX_DOLLARS = Decimal(999_999)  # the columns hold no more

_READ = text("""
    SELECT id, subject, user_id, token_id, generation, requests_per_minute, tokens_per_minute, tokens_per_day,
           tokens_per_month, cost_per_day, cost_per_month
    FROM budgets
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One row of `budgets`, with money in units.

    `version` is a part of the counters' keys (column `generation`). With a new version, all counters of the limit are
    rebuilt from the rows of usage.
    """

    id: UUID
    subject: Subject
    version: int = 0
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None
    cost_per_day: int | None = None
    cost_per_month: int | None = None


@dataclass(frozen=True, slots=True)
class AppliedLimit:
    """A limit and its holder: an account or an API token, or None for the limit of all together."""

    limit: Limit
    holder: UUID | None


class LimitCache:
    """All limits, refreshed in the background. While PostgreSQL is unreachable, the last ones stay."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits: dict[tuple[Subject, UUID | None], Limit] = {}
        self.revision = 0
        """Rises with each change."""

    def __bool__(self) -> bool:
        return bool(self._limits)

    async def refresh(self) -> None:
        try:
            async with self._database.autocommit() as connection:
                rows = list(await connection.execute(_READ))
        except DATABASE_ERRORS as error:
            log.warning("budgets can't be read, the last ones stay: %s", error)
            return
        limits: dict[tuple[Subject, UUID | None], Limit] = {
            (row.subject, row.user_id or row.token_id): limit_of(row) for row in rows
        }
        if limits != self._limits:
            self._limits = limits
            self.revision += 1

    def set_versions(self, versions: Mapping[UUID, int]) -> None:
        # Use versions that this process wrote, without waiting for the next refresh.
        self._limits = {
            key: replace(limit, version=max(limit.version, versions.get(limit.id, 0)))
            for key, limit in self._limits.items()
        }
        self.revision += 1

    def applied_to(self, caller: Caller) -> Sequence[AppliedLimit]:
        """The limits of a caller: of all together, of the account and of the token, each its own or the default."""
        if not self._limits:
            return ()
        wanted: list[tuple[Subject, UUID | None]] = [("all", None), ("user", caller.owner_id)]
        if caller.token_id is not None:
            wanted.append(("token", caller.token_id))
        found = ((self._limits.get(key) or self._limits.get((key[0], None)), key[1]) for key in wanted)
        return [AppliedLimit(limit, holder) for limit, holder in found if limit is not None]


def limit_of(row: Row[Any]) -> Limit:
    return Limit(
        id=row.id,
        subject=row.subject,
        version=row.generation,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        tokens_per_day=row.tokens_per_day,
        tokens_per_month=row.tokens_per_month,
        cost_per_day=None if row.cost_per_day is None else to_units(row.cost_per_day),
        cost_per_month=None if row.cost_per_month is None else to_units(row.cost_per_month),
    )


def to_units(dollars: Decimal | None) -> int:
    """US dollars in units of 10⁻⁸. Without a price nothing is counted."""
    if dollars is None:
        return 0
    return int((min(dollars, MAX_DOLLARS) * UNITS_PER_DOLLAR).to_integral_value(ROUND_HALF_EVEN))


def to_dollars(units: int) -> Decimal:
    return Decimal(units).scaleb(-8)


def format_dollars(units: int) -> str:
    # An amount for people: at least cents, and no zeros after them.
    whole, _, part = f"{to_dollars(units):.8f}".partition(".")
    return f"${int(whole):,}.{part.rstrip('0').ljust(2, '0')}"


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
