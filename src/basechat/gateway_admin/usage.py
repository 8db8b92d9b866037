"""The usage of a person, and the state of every budget that applies."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from basechat.gateway_admin.schemas import BudgetState, DayTotals, ModelTotals, Totals, UsageOut
from basechat.identity.credentials import Principal
from basechat.infra.db import Database
from basechat.infra.redis import REDIS_ERRORS, Redis
from basechat.llm.metering.limits import MINUTE_UNITS, AppliedLimit, Counter, limit_of, make_plan, span, to_dollars
from basechat.llm.metering.rebuild import sum_rows

DAYS = 30

_SUMS = text("""
    SELECT CAST(created_at AT TIME ZONE 'UTC' AS date) AS day, provider, model,
           count(*) AS calls, count(*) FILTER (WHERE cached) AS cached_calls,
           coalesce(sum(prompt_tokens), 0) AS prompt_tokens, coalesce(sum(completion_tokens), 0) AS completion_tokens,
           coalesce(sum(cost), 0) AS cost
    FROM usage WHERE owner_id = :owner AND created_at >= :since
    GROUP BY 1, 2, 3 ORDER BY 1
""")
_LIMITS = text("""
    SELECT DISTINCT ON (subject) id, subject, user_id, token_id, generation, requests_per_minute, tokens_per_minute,
           tokens_per_day, tokens_per_month, cost_per_day, cost_per_month
    FROM budgets
    WHERE subject = 'all' OR (subject = 'user' AND (user_id = :user OR user_id IS NULL))
          OR (subject = 'token' AND CAST(:token AS uuid) IS NOT NULL AND (token_id = :token OR token_id IS NULL))
    ORDER BY subject, coalesce(user_id, token_id) NULLS LAST
""")

_Level = tuple[int | None, int | None]
"""Tokens and cost of a window, or requests and tokens that are left in a bucket."""


async def read_usage(database: Database, state: Redis, person: Principal) -> UsageOut:
    """The usage of today, of this month and of the last 30 days, and the state of the budgets."""
    now = datetime.now(UTC)
    month, today = span("month", now)[0], now.date()
    first = today - timedelta(days=DAYS - 1)
    since = min(month, datetime(first.year, first.month, first.day, tzinfo=UTC))
    async with database.owner_transaction(person.user_id) as connection:
        rows = list(await connection.execute(_SUMS, {"owner": person.user_id, "since": since}))
    usage = UsageOut(today=Totals(), month=Totals(), days=[], models=[], budgets=[])
    days: dict[Any, DayTotals] = {}
    models: dict[tuple[str, str], ModelTotals] = {}
    for row in rows:
        if row.day == today:
            usage.today.add(row)
        if row.day >= month.date():
            usage.month.add(row)
        if row.day >= first:
            days.setdefault(row.day, DayTotals(day=row.day)).add(row)
            key = (row.provider, row.model)
            models.setdefault(key, ModelTotals(provider=row.provider, model=row.model)).add(row)
    usage.days = list(days.values())
    usage.models = sorted(models.values(), key=lambda each: (-each.cost, -each.calls))
    usage.budgets = await _budget_states(database, state, person, now)
    return usage


async def _budget_states(database: Database, state: Redis, person: Principal, now: datetime) -> list[BudgetState]:
    token = person.credential_id if person.kind == "token" else None
    async with database.system_transaction() as connection:
        rows = list(await connection.execute(_LIMITS, {"user": person.user_id, "token": token}))
    holders = {"all": None, "user": person.user_id, "token": token}
    applying = [AppliedLimit(limit_of(row), holders[row.subject]) for row in rows]
    if not applying:
        return []
    counters = make_plan(applying, at=now).counters
    levels = await _levels(state, counters, now)
    states: list[BudgetState] = []
    async with database.system_transaction() as connection:
        for counter, level in zip(counters, levels, strict=True):
            if level is None and counter.is_window:
                totals = await sum_rows(connection, counter)
                level = (totals.tokens, totals.cost)
            states += _states(counter, level or (None, None), now)
    return states


async def _levels(state: Redis, counters: Sequence[Counter], now: datetime) -> list[_Level | None]:
    """The level of each counter, or None if redis-state does not have it."""
    try:
        async with state.pipeline(transaction=False) as pipeline:
            for counter in counters:
                pipeline.hmget(counter.key, ["tokens", "cost"] if counter.is_window else ["requests", "tokens", "at"])
            found = await pipeline.execute()
    except REDIS_ERRORS:
        return [None] * len(counters)
    return [_level(counter, values, now) for counter, values in zip(counters, found, strict=True)]


def _level(counter: Counter, values: list[bytes | None], now: datetime) -> _Level | None:
    if counter.is_window:
        return None if values[0] is None else (int(values[0]), int(values[1] or 0))
    if values[2] is None:
        return None
    elapsed = max(int(now.timestamp() * 1000) - int(values[2]), 0)
    requests, tokens = (
        None if value is None or bound is None else min(int(value) + elapsed * bound, bound * MINUTE_UNITS)
        for value, bound in zip(values, counter.bounds, strict=False)
    )
    return requests, tokens


def _states(counter: Counter, level: _Level, now: datetime) -> Iterator[BudgetState]:
    subject, period = counter.applied.limit.subject, counter.period
    if counter.is_window:
        tokens, cost = level
        if counter.tokens is not None:
            yield _state(subject, period, "tokens", counter.tokens, tokens or 0, counter.ends)
        if counter.cost is not None:
            used = to_dollars(cost or 0)
            yield _state(subject, period, "dollars", to_dollars(counter.cost), used, counter.ends)
        return
    for unit, bound, units in (("requests", counter.requests, level[0]), ("tokens", counter.tokens, level[1])):
        if bound is not None:
            left = bound if units is None else units // MINUTE_UNITS
            full = now + timedelta(milliseconds=(bound - left) * MINUTE_UNITS / bound)
            yield _state(subject, period, unit, bound, bound - left, full)


def _state(subject: Any, period: Any, unit: Any, limit: Any, used: Any, resets_at: datetime) -> BudgetState:
    limit, used = Decimal(limit), Decimal(used)
    return BudgetState(
        subject=subject,
        period=period,
        unit=unit,
        limit=limit,
        used=used,
        left=max(limit - used, Decimal(0)),
        resets_at=resets_at,
    )
