"""The circuit breaker: a provider that fails repeatedly is not called for a while. Then one call is the probe."""

import asyncio
from dataclasses import dataclass

import pytest

from basechat.llm.upstream.client import ProviderClient
from basechat.llm.upstream.resilience import (
    FIRST_OPEN_SECONDS,
    MAX_OPEN_SECONDS,
    PROBE_SECONDS,
    Attempt,
    CallLimits,
    ProviderBreaker,
)
from tests.llm.upstream.calls import COMPLETIONS, QUESTION, Way, ask, asked, failures_of, refused
from tests.upstream import Say, Upstream

THREE = CallLimits(retries=0, failures_to_open=3, connect_seconds=10, first_token_seconds=10, silence_seconds=10)


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> ProviderBreaker:
    return ProviderBreaker(3, clock=clock)


def _begin(breaker: ProviderBreaker) -> Attempt:
    attempt = breaker.begin()
    assert attempt is not None
    return attempt


def _open(breaker: ProviderBreaker) -> None:
    for _ in range(3):
        _begin(breaker).failed()
    assert breaker.begin() is None


def test_it_opens_for_twice_as_long_each_time(breaker: ProviderBreaker, clock: Clock) -> None:
    _open(breaker)
    spells = []
    for _ in range(6):
        spells.append(breaker.open_seconds)
        clock.now += breaker.open_seconds or 0
        _begin(breaker).failed()
    assert spells == [5, 10, 20, 40, MAX_OPEN_SECONDS, MAX_OPEN_SECONDS]
    clock.now += MAX_OPEN_SECONDS
    _begin(breaker).succeeded()
    assert (breaker.failures, breaker.open_seconds) == (0, None)
    _open(breaker)
    assert breaker.open_seconds == FIRST_OPEN_SECONDS


def test_only_failures_in_a_row_count(breaker: ProviderBreaker) -> None:
    for _ in range(5):
        _begin(breaker).failed()
        _begin(breaker).failed()
        _begin(breaker).succeeded()
    _begin(breaker).given_up()
    assert breaker.begin() is not None


def test_one_call_is_the_probe(breaker: ProviderBreaker, clock: Clock) -> None:
    _open(breaker)
    clock.now += FIRST_OPEN_SECONDS
    probe = _begin(breaker)
    assert breaker.begin() is None
    clock.now += PROBE_SECONDS  # it hangs
    another = _begin(breaker)
    assert breaker.begin() is None
    another.succeeded()
    assert breaker.begin() is not None
    probe.failed()
    assert breaker.begin() is not None


def test_a_probe_whose_client_disconnects_is_replaced(breaker: ProviderBreaker, clock: Clock) -> None:
    _open(breaker)
    clock.now += FIRST_OPEN_SECONDS
    _begin(breaker).given_up()
    assert breaker.begin() is not None


def test_calls_that_had_begun_before_do_not_prolong_it(breaker: ProviderBreaker, clock: Clock) -> None:
    late, later = _begin(breaker), _begin(breaker)
    _open(breaker)
    clock.now += 1
    late.failed()
    assert breaker.open_seconds == FIRST_OPEN_SECONDS - 1
    later.succeeded()
    assert breaker.begin() is not None


def test_a_probe_that_succeeded_is_an_ordinary_call(breaker: ProviderBreaker, clock: Clock) -> None:
    _open(breaker)
    clock.now += FIRST_OPEN_SECONDS
    probe = _begin(breaker)
    probe.succeeded()
    _open(breaker)
    clock.now += 1
    probe.failed()  # in the middle of its answer
    assert breaker.open_seconds == FIRST_OPEN_SECONDS - 1


@pytest.mark.parametrize("stream", [True, False])
async def test_a_provider_with_an_open_breaker(first: Upstream, second: Upstream, way: Way, stream: bool) -> None:
    told: list[str] = []
    client = ProviderClient(THREE, count=told.append)
    broken = way(first, "error-500")
    for _ in range(3):
        assert (await refused(client, [broken], stream=stream)).status == 500
    error = await refused(client, [way(first)], stream=stream)
    assert (error.status, error.code) == (503, "provider_unavailable")
    assert error.retry_after in ("4", "5")
    assert "first" in error.message
    assert f"{error.retry_after} s" in error.message
    assert asked(first) == 3
    assert await ask(client, [way(first), way(second, name="second")], stream=stream) == ("second", "hi")
    assert asked(first) == 3
    assert (failures_of(client, "first"), failures_of(client, "second")) == (3, 0)
    assert [breaker.open_seconds is None for breaker in client.breakers.values()] == [False, True]
    assert told == ["llm.provider.first.calls", "llm.provider.first.failures"] * 3 + ["llm.provider.second.calls"]


async def test_a_call_whose_retries_open_it_gets_the_cause(first: Upstream, way: Way) -> None:
    client = ProviderClient(CallLimits(retries=5, failures_to_open=2))
    assert (await refused(client, [way(first, "error-502")])).status == 502
    assert asked(first) == 2


@pytest.mark.parametrize("model", ["error-400", "error-401", "error-404", "error-429"])
async def test_refusals_do_not_count(first: Upstream, way: Way, model: str) -> None:
    client = ProviderClient(THREE)
    for _ in range(4):
        await refused(client, [way(first, model)])
    assert await ask(client, [way(first)], stream=True) == ("first", "hi")


async def test_an_unreachable_provider_is_not_called_for_a_while(way: Way) -> None:
    client = ProviderClient(THREE)
    down = way("http://127.0.0.1:9/v1")
    assert [(await refused(client, [down])).status for _ in range(4)] == [502, 502, 502, 503]


async def test_a_provider_that_serves_other_calls_stays_available(first: Upstream, way: Way) -> None:
    client = ProviderClient(THREE)
    first.script("slow", *(Say((f"{n} ",)) for n in range(4)))
    answer = await client.stream([way(first, "slow")], QUESTION)
    await anext(answer.batches)
    for _ in range(2):
        await refused(client, [way(first, "error-500")])
    async with asyncio.timeout(5):
        async for _ in answer.batches:
            pass
    for _ in range(2):
        assert (await refused(client, [way(first, "error-500")])).status == 500
    assert await ask(client, [way(first)], stream=True) == ("first", "hi")


async def test_a_new_address_gets_a_new_breaker(first: Upstream, second: Upstream, way: Way) -> None:
    client = ProviderClient(THREE)
    for _ in range(3):
        await refused(client, [way(first, "error-500")])
    assert (await client.whole([way(second)], COMPLETIONS, QUESTION)).document["choices"]
    assert failures_of(client, "first") == 0
    assert (await refused(client, [way(first, "error-500")])).status == 500
