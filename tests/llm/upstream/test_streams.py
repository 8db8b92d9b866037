"""Every stream of a provider ends with an answer or an error, in bounded time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from basechat.llm.errors import GatewayError
from basechat.llm.upstream import failures
from basechat.llm.upstream.client import ProviderClient
from basechat.llm.upstream.events import EVENT_BYTES
from basechat.llm.upstream.resilience import CallLimits
from tests.llm.upstream.calls import DONE, PATIENT, QUESTION, Way, ask, asked, chunk, event, refused, text_of, texts
from tests.upstream import Cut, Fail, Head, Raw, Say, Stall, Step, Upstream, Wait

ONCE = CallLimits(retries=0, connect_seconds=10, first_token_seconds=10, silence_seconds=10)
ONE, TWO, END = chunk("one "), chunk("two"), chunk("", "stop")
USAGE = event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})
LONG = "x" * 1_000_000
OPEN_ENDED = Head(is_framed=False)

GOOD: dict[str, tuple[Step, ...]] = {
    "in one part": (Raw(ONE + TWO + END + USAGE + DONE),),
    "byte by byte": tuple(Raw(bytes([byte])) for byte in ONE + TWO + END + DONE),
    "CRLF": (Raw((ONE + TWO + END + DONE).replace(b"\n", b"\r\n")),),
    "no blank behind the colon": (Raw((ONE + TWO + END + DONE).replace(b"data: ", b"data:")),),
    "names and numbers": (Raw(b"event: message\nid: 1\nretry: 5\n" + ONE + TWO + END + DONE),),
    "an event over several lines": (Raw(ONE + TWO.replace(b',"', b'\ndata: ,"') + END + DONE),),
    "without DONE": (Raw(ONE + TWO + END),),
    "without DONE, broken off": (Raw(ONE + TWO + END + USAGE), Cut()),
    "without DONE, then silence": (Raw(ONE + TWO + END), Stall()),
    "without the last empty line": (Raw(ONE + TWO + END + DONE.rstrip()),),
    "DONE without the reason": (Raw(ONE + TWO + DONE),),
    "DONE, then broken off": (Raw(ONE + TWO + END + DONE), Cut()),
    "DONE, then silence": (Raw(ONE + TWO + END + DONE), Stall()),
    "DONE, then more": (Raw(ONE + TWO + END + DONE + b"data: {\n\n<html>\xff"), Raw(ONE), Raw(b"\x00")),
    "DONE, then another answer": (Raw(ONE + TWO + END + DONE + ONE + DONE), Raw(TWO)),
    "the body ends with the connection": (OPEN_ENDED, Raw(ONE + TWO + END + DONE)),
    "a choice that comes late": (Raw(ONE), Raw(chunk("two", "stop", 1) + END)),
    "one body": (
        Head(content_type="application/json"),
        Raw(b'{"choices": [{"index": 0, "message": {"content": "one two"}, "finish_reason": "stop"}], "usage": {}}'),
    ),
    "no content type": (Head(content_type=""), Raw(ONE + TWO + END + DONE)),
    "text/plain": (Head(content_type="text/plain"), Raw(ONE + TWO + END + DONE)),
}


@pytest.mark.parametrize("steps", GOOD.values(), ids=GOOD)
async def test_answers_of_any_spelling(first: Upstream, way: Way, steps: tuple[Step, ...]) -> None:
    head = () if isinstance(steps[0], Head) else (Head(),)
    first.next_answers((*head, *steps))
    answer = await ProviderClient(ONCE).stream([way(first, silence_seconds=0.3)], QUESTION)
    async with asyncio.timeout(10):
        assert await text_of(answer) == "one two"


async def test_the_first_token_does_not_wait_for_the_parts_behind_it(first: Upstream, way: Way) -> None:
    whole = ONE + TWO * 500 + END + DONE
    first.next_answers((Head(), Raw(whole)))
    answer = await ProviderClient(ONCE).stream([way(first)], QUESTION)
    pieces = [piece.raw async for piece in answer.batches]
    assert len(pieces[0]) <= 1024
    assert b"".join(pieces) == whole


BAD: dict[str, tuple[tuple[Step, ...], str]] = {
    "half a chunk": ((Raw(ONE + TWO[:20]),), "provider_cut"),
    "half a chunk, broken off": ((Raw(ONE + TWO[:20]), Cut()), "provider_cut"),
    "no reason and no DONE": ((Raw(ONE + TWO),), "provider_cut"),
    "the connection ends": ((OPEN_ENDED, Raw(ONE + TWO)), "provider_cut"),
    "one choice has not ended": ((Raw(ONE + TWO + chunk("", "stop", 1)),), "provider_cut"),
    "invalid UTF-8": ((Raw(ONE + chunk("é").replace("é".encode(), b"\xc3(")),), "provider_garbled"),
    "a comment in invalid UTF-8": ((Raw(ONE + b": \xff\n\n" + TWO),), "provider_garbled"),
    "NUL": ((Raw(ONE + chunk("\x07").replace(b"\\u0007", b"\x00")),), "provider_garbled"),
    "a page in the middle": ((Raw(ONE), Raw(b"<html>\n<h1>Bad Gateway</h1>\n\n")), "provider_garbled"),
    "no JSON": ((Raw(ONE), Raw(b"data: nonsense\n\n")), "provider_garbled"),
    "no object": ((Raw(ONE), Raw(b"data: [1]\n\n")), "provider_garbled"),
    "a choice that is none": ((Raw(ONE), Raw(event({"choices": ["no"]}))), "provider_garbled"),
    "a choice without a number": ((Raw(ONE), Raw(event({"choices": [{"index": []}]}))), "provider_garbled"),
    "choices that are none": ((Raw(ONE), Raw(event({"choices": {"0": {}}}))), "provider_garbled"),
    "silence": ((Raw(ONE), Stall()), "provider_silent"),
    "drops of an event that never ends": ((Raw(ONE), *(Raw(b"d"), Wait(0.1)) * 50, Stall()), "provider_silent"),
    "comments for ever": ((Raw(ONE), *(Raw(b": wait\n\n"), Wait(0.1)) * 100, Stall()), "provider_silent"),
}


@pytest.mark.parametrize(("steps", "code"), BAD.values(), ids=BAD)
async def test_answers_that_break(first: Upstream, way: Way, steps: tuple[Step, ...], code: str) -> None:
    head = () if isinstance(steps[0], Head) else (Head(),)
    first.next_answers((*head, *steps))
    answer = await ProviderClient(ONCE).stream([way(first, silence_seconds=0.3, first_token_seconds=1)], QUESTION)
    reading = texts(answer)
    async with asyncio.timeout(10):
        assert await anext(reading) == "one "
        with pytest.raises(GatewayError) as caught:
            await _rest(reading)
    assert caught.value.code == code
    with pytest.raises(StopAsyncIteration):
        await anext(answer.batches)


async def _rest(reading: AsyncIterator[str]) -> list[str]:
    return [text async for text in reading]


async def test_comments_delay_the_idle_timeout(first: Upstream, way: Way) -> None:
    waits = (Raw(b": wait\n\n"), Wait(0.4)) * 4
    first.next_answers((Head(), Raw(ONE), *waits, Raw(TWO + END + DONE)))
    answer = await ProviderClient(ONCE).stream([way(first, silence_seconds=1.2, first_token_seconds=10)], QUESTION)
    assert await text_of(answer) == "one two"


async def test_a_slow_client_does_not_cause_an_idle_timeout(first: Upstream, way: Way) -> None:
    first.next_answers((Head(), Raw(ONE), Wait(0.05), Raw(TWO), Wait(0.3), Raw(END + DONE)))
    answer = await ProviderClient(ONCE).stream([way(first, silence_seconds=0.2)], QUESTION)
    said = ""
    async for text in texts(answer):
        said += text
        if text == "two":
            await first.completions[-1].ended.wait()  # by then the provider was silent for too long, and went on
    assert said == "one two"


async def test_an_error_in_the_stream_is_its_last_batch(first: Upstream, way: Way) -> None:
    first.next_answers((Head(), Raw(ONE), Raw(event({"error": {"message": "Broken."}})), Raw(TWO), Stall()))
    answer = await ProviderClient(ONCE).stream([way(first)], QUESTION)
    async with asyncio.timeout(10):
        pieces = [piece async for piece in answer.batches]
    assert {"error": {"message": "Broken."}} in pieces[-1].documents


async def test_long_lines(first: Upstream, way: Way) -> None:
    first.next_answers(
        (Head(), Raw(ONE + chunk(LONG) + END + DONE)), (Head(), Raw(ONE), Raw(b"x" * EVENT_BYTES + b"x"))
    )
    client = ProviderClient(ONCE)
    assert await text_of(await client.stream([way(first)], QUESTION)) == f"one {LONG}"
    assert (await refused(client, [way(first)])).code == "provider_garbled"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "Why.", "code": "c", "param": "p"}}', "Why."),
        (b'{"error": "Why."}', "Why."),
        (b'[{"error": {"code": 500, "message": "Why.", "status": "INTERNAL"}}]', "Why."),
        (b'{"object": "error", "message": "Why.", "type": "Bad", "code": 500}', "Why."),
        (b'{"message": "Why.", "request_id": "1"}', "Why."),
        (b'{"detail": "Why."}', "Why."),
        (b'{"detail": [{"loc": ["body"], "msg": "Why."}]}', '[{"loc":["body"],"msg":"Why."}]'),
        (b'{"error": {"message": null}}', "None"),
        (b'{"error": {"type": "x"}}', "The provider failed without saying why."),
        (b"<html>500</html>", "The provider answered with status 500."),
        (b"", "The provider answered with status 500."),
        (b"\xff", "The provider answered with status 500."),
        (b"[]", "The provider answered with status 500."),
        (b'{"error": {"message": "' + b"x" * 200_000 + b'"}}', "The provider answered with status 500."),
        (b'{"error": {"message": "' + b"y" * 20_000 + b'"}}', "y" * 2_000),
    ],
    ids=lambda value: value[:40],
)
async def test_errors_of_any_shape(first: Upstream, way: Way, body: bytes, message: str, stream: bool) -> None:
    first.next_answers((Head(500, "application/json"), Raw(body)))
    error = await refused(ProviderClient(ONCE), [way(first)], stream=stream)
    assert (error.status, error.message) == (500, message)


async def test_an_error_that_never_ends(first: Upstream, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_BODY_SECONDS", 0.1)
    first.next_answers((Head(503), Raw(b"x"), Stall()))
    async with asyncio.timeout(10):
        assert (await refused(ProviderClient(ONCE), [way(first)])).status == 503


async def test_a_key_that_a_provider_repeats_is_hidden(first: Upstream, way: Way) -> None:
    first.next_answers((Fail(401, "invalid_api_key", "Incorrect API key: sk-secret."),))
    error = await refused(ProviderClient(ONCE), [way(first, api_key="sk-secret")])
    assert error.message == "Incorrect API key: …."
    assert first.completions[0].headers["authorization"] == "Bearer sk-secret"


async def test_connections_are_used_again(first: Upstream, way: Way) -> None:
    client, route = ProviderClient(PATIENT), way(first)
    for stream in (True, False) * 3:
        assert await ask(client, [route], stream=stream) == ("first", "hi")
    await refused(client, [way(first, "error-400")])
    assert await ask(client, [route], stream=True) == ("first", "hi")
    assert first.connections == 2  # the error used a connection of its own
    assert asked(first) == 8


@pytest.mark.parametrize("begun", [True, False])
async def test_closing_the_batches_ends_the_call(first: Upstream, way: Way, begun: bool) -> None:
    first.script("talks", Say(("one", "two")), Stall())
    answer = await ProviderClient(PATIENT).stream([way(first, "talks")], QUESTION)
    if begun:
        await anext(answer.batches)
    await answer.batches.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(answer.batches)
    async with asyncio.timeout(5):
        await first.completions[0].ended.wait()
    assert first.completions[0].closed_early


async def test_a_reader_that_is_cancelled_ends_the_call(first: Upstream, way: Way) -> None:
    first.next_answers((Head(), Raw(ONE), Stall()))
    answer = await ProviderClient(PATIENT).stream([way(first)], QUESTION)
    reading = asyncio.create_task(text_of(answer))
    await asyncio.sleep(0)
    reading.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await reading
        await first.completions[0].ended.wait()
    assert first.completions[0].closed_early
