"""Budgets and limits per minute of one process while redis-state is unreachable."""

import asyncio
from typing import Any

import pytest

from basechat.infra.redis.circuit_breaker import RedisUnavailableError
from basechat.kit.config import Settings
from basechat.llm.errors import GatewayError
from basechat.llm.metering import settlement
from basechat.llm.metering.admission import Admission
from tests.llm.metering.gateways import Gateway, gateways, make_caller, rows, set_budget, until_settled, until_written


def _lose_redis(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> Admission:
        raise RedisUnavailableError

    monkeypatch.setattr(gateway.admission, "_admit_by_script", fail)


async def test_what_is_withdrawn_leaves_no_row(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        await set_budget([gateway], tokens_per_day=1000)
        _lose_redis(gateway, monkeypatch)
        (await gateway.admit(caller)).withdraw()
        await until_settled(gateway)
        assert await rows(own) == []


async def test_concurrent_calls_under_a_budget_keep_to_the_limit_per_minute(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        await set_budget([gateway], tokens_per_day=100_000, requests_per_minute=5)
        _lose_redis(gateway, monkeypatch)
        asked = await asyncio.gather(*(gateway.admit(caller) for _ in range(30)), return_exceptions=True)
        assert {each.code for each in asked if isinstance(each, GatewayError)} == {"rate_limit_exceeded"}
        assert sum(isinstance(each, Admission) for each in asked) == 5


async def test_a_refusal_by_a_budget_takes_nothing_of_the_minute(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        await set_budget([gateway], tokens_per_day=100, requests_per_minute=5, tokens_per_minute=10_000)
        _lose_redis(gateway, monkeypatch)
        for _ in range(9):
            with pytest.raises(GatewayError, match="per day"):
                await gateway.admit(caller, 200)
        headers = (await gateway.admit(caller)).headers
        assert (headers["x-ratelimit-remaining-requests"], headers["x-ratelimit-remaining-tokens"]) == ("4", "9900")


async def test_calls_whose_rows_still_wait_count(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        await set_budget([gateway], tokens_per_day=250)
        await gateway.admit(caller)
        await until_written(own, "started")
        await gateway.admit(caller)
        _lose_redis(gateway, monkeypatch)
        with pytest.raises(GatewayError, match="50 tokens are left"):
            await gateway.admit(caller)


async def test_versions_never_fall(own: Settings) -> None:
    async with gateways(own) as [gateway]:
        budget = await set_budget([gateway], tokens_per_day=1000)
        limits = gateway.admission.limits
        for version in (6, 5):  # as when two calls that reserved in this order continue in the other
            limits.set_versions({budget: version})
            [applied] = limits.applied_to(await make_caller(own))
            assert applied.limit.version == 6


async def test_claims_that_wait_for_redis_are_bounded(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "MAX_WAITING", 3)
    async with gateways(own) as [gateway]:
        for number in range(5):
            gateway.admission.settlements.release(f"flight:{number}", b"me")
        assert len(gateway.admission.settlements._claims) == 3
