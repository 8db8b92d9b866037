"""Which calls are admitted and which are refused, by which limit, with which error and headers."""

import asyncio
from decimal import Decimal

import pytest

from basechat.infra.redis import as_bytes
from basechat.kit.config import Settings
from basechat.llm.errors import GatewayError
from basechat.llm.metering.admission import Admission, Claim
from basechat.llm.metering.refusals import format_duration
from basechat.llm.providers.catalogue import Route
from basechat.protocol import Caller
from tests.llm.metering.gateways import (
    Gateway,
    counted,
    gateways,
    make_caller,
    rows,
    set_budget,
    until_counted,
    until_settled,
    until_written,
    used,
    windows,
)
from tests.support.waiting import until


async def _refused(gateway: Gateway, caller: Caller, prompt: int = 10, completion: int = 90) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await gateway.admit(caller, prompt, completion)
    return caught.value


async def test_without_budgets_a_call_leaves_nothing_in_redis(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        admission = await gateway.admit(caller)
        assert admission.headers == {}
        assert {key async for key in gateway.state.scan_iter("*")} <= {b"usage:processes", b"usage:reconciling"}
        assert admission.call is not None
        admission.call.end_whole(used(3, 4))
        await until_settled(gateway)
        [row] = await rows(own)
    assert (row["status"], row["prompt_tokens"], row["completion_tokens"]) == ("completed", 3, 4)
    assert row["cost"] == Decimal("0.007")


async def test_hundreds_at_once_on_two_gateways_spend_no_more_than_there_is(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own, 2) as running:
        await set_budget(running, tokens_per_day=5_000, cost_per_month=Decimal("4.2"))

        asked = await asyncio.gather(
            *(running[number % 2].admit(caller) for number in range(400)), return_exceptions=True
        )
        refused = [each for each in asked if isinstance(each, GatewayError)]
        assert {(error.status, error.code) for error in refused} == {(429, "insufficient_quota")}
        admitted = [each.call for each in asked if isinstance(each, Admission) and each.call is not None]
        assert len(admitted) == 42  # $4.20 for 100 tokens at $0.001 each
        for call in admitted:
            call.end_whole(used(10, 20))
        await until_settled(*running)
        assert await counted(running[0]) == {(42 * 30, Decimal("1.26"))}
        assert {name for window in (await windows(running[0])).values() for name in window} == {"tokens", "cost"}
    assert sum(row["cost"] for row in await rows(own)) == Decimal("1.26")


async def test_a_refusal_takes_nothing_of_any_limit_and_no_flight(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        await set_budget([gateway], requests_per_minute=50, tokens_per_day=100)
        await set_budget([gateway], "all", tokens_per_month=10)
        error = await _refused(gateway, caller)
        assert "per month (everybody's together)" in error.message
        assert error.headers["x-ratelimit-remaining-requests"] == "50"
        claim = Claim(key="flight:x", leader=b"me", lease_ms=1000)
        with pytest.raises(GatewayError):
            await gateway.admit(caller, claim=claim)
        assert await gateway.state.exists("flight:x") == 0
        assert {window["tokens"] for window in (await windows(gateway)).values()} == {"0"}


async def test_followers_reserve_nothing(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own, 2) as running:
        await set_budget(running, tokens_per_day=150)
        admissions = await asyncio.gather(
            *(
                running[number % 2].admit(
                    caller, claim=Claim(key="flight:f", leader=str(number).encode(), lease_ms=5000)
                )
                for number in range(50)
            )
        )
        [leading] = [each for each in admissions if each.call is not None]
        leaders = {each.leader for each in admissions if each.call is None}
        assert leaders == {await running[0].state.get("flight:f")}
        assert {window["tokens"] for window in (await windows(running[0])).values()} == {"100"}
        leading.withdraw()

        async def is_free() -> bool:
            return not await running[0].state.exists("flight:f")

        await until(is_free)


async def test_what_is_withdrawn_took_nothing(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        await set_budget([gateway], requests_per_minute=60, tokens_per_minute=6_000, tokens_per_day=100)
        for _ in range(3):
            (await gateway.admit(caller)).withdraw()
            await until_settled(gateway)
        admission = await gateway.admit(caller)
        assert admission.headers["x-ratelimit-remaining-requests"] == "59"
        gateway.admission.note_cached(caller, gateway.route, "chat", 1000, 2000, 1, 2)
        assert admission.call is not None
        admission.call.end_whole(used(1, 2))
        await until_settled(gateway)
        assert await counted(gateway) == {(3, Decimal("0.003"))}
        kept = [(row["cached"], row["cost"], row["prompt_tokens"], row["completion_tokens"]) for row in await rows(own)]
        told = {
            name: gateway.counters.value(f"llm.{name}") for name in ("calls", "tokens.completion", "failures", "cost")
        }
    assert sorted(kept) == [(False, Decimal("0.003"), 1, 2), (True, 0, 1000, 2000)]
    assert told == {"calls": 2, "tokens.completion": 2, "failures": 0, "cost": 0.003}


async def test_requests_per_minute_come_back_evenly(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        await set_budget([gateway], requests_per_minute=3)
        for left in (2, 1, 0):
            headers = (await gateway.admit(caller)).headers
            assert headers["x-ratelimit-limit-requests"] == "3"
            assert headers["x-ratelimit-remaining-requests"] == str(left)
            assert "x-ratelimit-limit-tokens" not in headers
        error = await _refused(gateway, caller)
        assert (error.status, error.code) == (429, "rate_limit_exceeded")
        assert 1 <= int(error.retry_after or 0) <= 20
        assert "3 requests per minute (yours)" in error.message
        assert error.headers["x-ratelimit-reset-requests"].endswith("s")
        [bucket] = [key async for key in gateway.state.scan_iter("ratelimit:*")]
        at = int(as_bytes(await gateway.state.hget(bucket, "at")))
        await gateway.state.hset(bucket, "at", at - 20_000)  # a third of a minute later, one may be asked again
        assert (await gateway.admit(caller)).call is not None
        await _refused(gateway, caller)


async def test_tokens_per_minute_are_what_was_used_in_the_end(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        await set_budget([gateway], tokens_per_minute=200)
        first = await gateway.admit(caller)
        assert first.headers["x-ratelimit-remaining-tokens"] == "100"
        await gateway.admit(caller)
        error = await _refused(gateway, caller)
        assert error.code == "rate_limit_exceeded"
        assert "200 tokens per minute" in error.message
        assert "too large" in (await _refused(gateway, caller, 500)).message
        assert first.call is not None
        first.call.end_whole(used(10, 10))

        async def is_given_back() -> bool:
            try:
                await gateway.admit(caller, 10, 60)
            except GatewayError:
                return False
            return True

        await until(is_given_back)


async def test_the_row_of_a_person_or_token_comes_before_the_default(own: Settings) -> None:
    ann, bob = await make_caller(own, token=True), await make_caller(own)
    async with gateways(own) as [gateway]:
        await set_budget([gateway], tokens_per_day=100)
        await set_budget([gateway], user=ann.owner_id, tokens_per_day=300)
        await set_budget([gateway], "token", tokens_per_day=100)
        await set_budget([gateway], "token", token=ann.token_id, tokens_per_day=200)
        await gateway.admit(bob)
        assert "100 tokens per day (yours)" in (await _refused(gateway, bob)).message
        for _ in range(2):
            await gateway.admit(ann)
        assert "200 tokens per day (this API token's)" in (await _refused(gateway, ann)).message
        herself = Caller(owner_id=ann.owner_id, run_id=None, attempt=0)
        await gateway.admit(herself)
        error = await _refused(gateway, herself)
        assert "300 tokens per day (yours)" in error.message
        assert "0 tokens are left" in error.message
        assert "00:00 UTC" in error.message
        assert 0 < int(error.retry_after or 0) <= 86_400


async def test_a_model_without_a_price_under_a_budget_of_money(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        free = Route(gateway.route.upstream, "unknown")
        assert (await gateway.admit(caller, route=free)).call is not None
        await set_budget([gateway], cost_per_month=Decimal(1))
        with pytest.raises(GatewayError) as caught:
            await gateway.admit(caller, route=free)
        assert (caught.value.status, caught.value.code) == (403, "model_without_price")
        assert "price" in caught.value.message
        assert (await gateway.admit(caller)).call is not None


async def test_nor_is_it_what_a_call_falls_back_on(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        both = [gateway.route, Route(gateway.route.upstream, "unknown")]
        assert (await gateway.admit(caller)).allowed(both) == both
        await set_budget([gateway], cost_per_month=Decimal(1))
        assert (await gateway.admit(caller)).allowed(both) == both[:1]


async def test_a_call_may_cost_more_than_reserved_and_the_next_sees_it(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own) as [gateway]:
        await set_budget([gateway], cost_per_day=Decimal(1))
        admission = await gateway.admit(caller)
        assert admission.call is not None
        admission.call.end_whole(used(2000, 500, cached=1000))
        await until_settled(gateway)
        assert await counted(gateway) == {(2500, Decimal("1.5"))}
        error = await _refused(gateway, caller)
        assert "$1.00 per day" in error.message
        assert "$0.00 are left" in error.message


async def test_a_call_that_is_settled_again_changes_nothing(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own, 2) as [first, second]:
        await set_budget([first, second], tokens_per_day=1000, tokens_per_minute=1000)
        call = (await first.admit(caller)).call
        assert call is not None
        call.end_whole(used(10, 20))
        await until_settled(first)
        [key] = [key async for key in first.state.scan_iter("ratelimit:*")]
        bucket = await first.state.hgetall(key)
        for gateway in (first, second, first):
            gateway.admission.settlements.add([call])
            await until_settled(gateway)
            assert await counted(gateway) == {(30, Decimal("0.03"))}
            assert await first.state.hgetall(key) == bucket


async def test_a_limit_that_changes_counts_what_was_used_before(own: Settings) -> None:
    caller = await make_caller(own)
    async with gateways(own, 2) as running:
        first, second = running
        done = await first.admit(caller)
        assert done.call is not None
        done.call.end_whole(used(100, 0))
        going_on = await first.admit(caller)
        await until_written(own, "completed", "started")
        await set_budget(running, tokens_per_day=250)
        await second.admit(caller, 10, 40)
        await _refused(second, caller, 10, 40)
        assert going_on.call is not None
        going_on.call.end_whole(used(5, 5))
        await until_counted(second, 100 + 50 + 10)
        await second.admit(caller, 10, 40)


def test_times_are_written_as_openai_does() -> None:
    said = [format_duration(ms) for ms in (0, 17, 999, 1000, 8_640, 60_000, 366_500, 3_600_000)]
    assert said == ["0ms", "17ms", "999ms", "1s", "8.64s", "1m0s", "6m6.5s", "1h0m0s"]
