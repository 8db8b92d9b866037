"""Retries of a provider: their number, and their pauses."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from basechat.llm.upstream.client import ProviderClient
from basechat.llm.upstream.failures import retry_after
from basechat.llm.upstream.resilience import PAUSES_SECONDS, CallLimits, Pauses
from tests.llm.upstream.calls import COMPLETIONS, PATIENT, QUESTION, Way, ask, asked, failures_of, refused
from tests.support.waiting import until
from tests.upstream import Cut, Fail, Head, Raw, Upstream

STREAMED = pytest.mark.parametrize("stream", [True, False])


async def _has(upstream: Upstream, outcome: str) -> bool:
    return any(record.outcome == outcome for record in upstream.completions)


def _refusal(status: int, *headers: tuple[str, str], code: str = "none") -> tuple[Head, Raw]:
    body = b'{"error": {"message": "No.", "code": "%b"}}' % code.encode()
    return Head(status, "application/json", headers), Raw(body)


@STREAMED
@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 529])
async def test_transient_failures_are_retried(first: Upstream, way: Way, status: int, stream: bool) -> None:
    first.next_answers(_refusal(status), _refusal(status))
    assert await ask(ProviderClient(PATIENT), [way(first)], stream=stream) == ("first", "hi")
    assert asked(first) == 3


@STREAMED
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 415, 422])
async def test_other_failures_are_reported_at_once(first: Upstream, way: Way, status: int, stream: bool) -> None:
    first.next_answers(_refusal(status, code="its_code"))
    error = await refused(ProviderClient(PATIENT), [way(first)], stream=stream)
    assert (error.status, error.message, error.code) == (status, "No.", "its_code")
    assert asked(first) == 1


@STREAMED
async def test_a_connection_that_breaks_before_the_answer(first: Upstream, way: Way, stream: bool) -> None:
    first.next_answers((Cut(),), (Head(), Cut()))
    assert await ask(ProviderClient(PATIENT), [way(first)], stream=stream) == ("first", "hi")
    assert asked(first) == 3


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_the_number_of_retries_is_limited(first: Upstream, way: Way, retries: int) -> None:
    error = await refused(ProviderClient(CallLimits(retries=retries)), [way(first, "error-503")])
    assert error.status == 503
    assert asked(first) == retries + 1


async def test_a_long_wait_is_left_to_the_client(first: Upstream, way: Way) -> None:
    first.next_answers(_refusal(429, ("Retry-After", "61.5")))
    error = await refused(ProviderClient(PATIENT), [way(first)])
    assert (error.status, error.retry_after) == (429, "62")
    assert asked(first) == 1


@pytest.mark.parametrize(
    ("answer", "times"),
    [
        (_refusal(500, ("x-should-retry", "false")), 1),
        (_refusal(500, ("x-should-retry", "FALSE")), 1),
        (_refusal(500, ("x-should-retry", "no")), 2),
        (_refusal(500, ("x-should-retry", "")), 2),
        (_refusal(400, ("x-should-retry", "true")), 2),
        (_refusal(503, ("retry-after-ms", "1"), ("retry-after", "3600")), 2),
        (_refusal(503, ("retry-after", "soon")), 2),
        (_refusal(503, ("retry-after", "0")), 2),
        (_refusal(429, code="insufficient_quota"), 1),
    ],
)
async def test_headers_about_retries(first: Upstream, way: Way, answer: tuple[Head, Raw], times: int) -> None:
    first.next_answers(answer)
    if times == 1:
        await refused(ProviderClient(PATIENT), [way(first)])
    else:
        await ask(ProviderClient(PATIENT), [way(first)], stream=True)
    assert asked(first) == times


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None), ({"retry-after": "2"}, 2), ({"retry-after": "0.5"}, 0.5), ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None), ({"retry-after": "nan"}, None), ({"retry-after": ""}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25), ({"retry-after-ms": "x", "retry-after": "9"}, 9),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0), ({"retry-after": "Wed, 21 Oct 2015 07:28:00 -0000"}, 0),
        ({"retry-after": "Wed, 21 Oct 99999999999999999999 07:28:00 GMT"}, None), ({"retry-after": "\ud83d"}, None),
    ],
)  # fmt: skip
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_as_a_date() -> None:
    then = datetime.now(UTC) + timedelta(hours=1)
    wait = retry_after({"retry-after": format_datetime(then, usegmt=True)})
    assert wait is not None
    assert 3_500 < wait <= 3_600


def test_the_sum_of_the_pauses_is_limited() -> None:
    pauses = Pauses()
    told = pauses.next(0, 2.0)
    assert told is not None
    assert 2.0 <= told <= 2.2
    assert pauses.next(0, PAUSES_SECONDS - 1) is None
    total = told
    while (pause := pauses.next(20, None)) is not None:
        total += pause
    assert total <= PAUSES_SECONDS


async def test_a_client_that_disconnects_during_a_pause(first: Upstream, way: Way) -> None:
    first.next_answers((Fail(503, None, "Later.", retry_after=7),))
    call = asyncio.create_task(ProviderClient(PATIENT).whole([way(first)], COMPLETIONS, QUESTION))
    await until(lambda: _has(first, "finished"))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await call
    assert asked(first) == 1


@STREAMED
async def test_a_client_that_disconnects_before_the_first_token(first: Upstream, way: Way, stream: bool) -> None:
    client = ProviderClient(PATIENT)
    call = asyncio.create_task(ask(client, [way(first, "stall-0")], stream=stream))
    await until(lambda: _has(first, "open"))
    call.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await call
        await first.completions[0].ended.wait()
    assert first.completions[0].closed_early
    assert failures_of(client, "first") == 0
