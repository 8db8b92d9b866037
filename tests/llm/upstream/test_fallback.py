"""Where one provider can't answer, the next one does; but never after the first word."""

import asyncio

import pytest

from basechat.llm.errors import GatewayError
from basechat.llm.upstream.client import ProviderClient
from basechat.llm.upstream.resilience import CallLimits
from tests.llm.upstream.calls import COMPLETIONS, DONE, QUESTION, Way, ask, asked, chunk, event, refused, text_of
from tests.upstream import Cut, Fail, Head, Raw, Say, Stall, Step, Upstream

STREAMED = pytest.mark.parametrize("stream", [True, False])
ONCE = CallLimits(retries=0, connect_seconds=10, first_token_seconds=10, silence_seconds=10)
JSON = "application/json"


@STREAMED
@pytest.mark.parametrize("status", [301, 307, 401, 402, 403, 404, 408, 410, 429, 500, 503, 529])
async def test_a_failed_provider_is_replaced_by_the_next(
    first: Upstream, second: Upstream, way: Way, status: int, stream: bool
) -> None:
    first.next_answers((Head(status, JSON), Raw(b"{}")))
    assert await ask(ProviderClient(ONCE), [way(first), way(second, name="second")], stream=stream) == ("second", "hi")
    assert asked(first) == 1


@STREAMED
async def test_a_redirect_is_not_followed(first: Upstream, second: Upstream, way: Way, stream: bool) -> None:
    first.next_answers((Head(307, JSON, (("Location", f"{second.base_url}/chat/completions"),)),))
    error = await refused(ProviderClient(), [way(first, api_key="sk-secret")], stream=stream)
    assert (error.status, error.code) == (502, "provider_garbled")
    assert "307" in error.message
    assert (asked(first), asked(second)) == (1, 0)


@STREAMED
@pytest.mark.parametrize("status", [400, 413, 414, 415, 422])
async def test_a_wrong_request_is_not_sent_to_the_next(
    first: Upstream, second: Upstream, way: Way, status: int, stream: bool
) -> None:
    routes = [way(first, f"error-{status}"), way(second, name="second")]
    assert (await refused(ProviderClient(ONCE), routes, stream=stream)).status == status
    assert (asked(first), asked(second)) == (1, 0)


@pytest.mark.parametrize(
    "steps",
    [
        (Head(content_type="text/html"), Raw(b"<html>Sign in, please.</html>")),
        (Head(content_type=JSON), Raw(b'{"error": {"message": "Not now.", "code": 503}}')),
        (Head(content_type=JSON), Raw(b'{"choices": []}')),
        (Head(content_type=JSON), Raw(b'{"choices": [7]}')),
        (Head(content_type=JSON), Raw(b'{"choices": [{"text": "old"}]}')),
        (Head(content_type=JSON), Raw(b"{")),
        (Head(), Raw(event({"error": {"message": "Overloaded", "type": "overloaded_error"}}))),
        (Head(), Raw(event({"error": "model requires more system memory"}))),
        (Head(), Raw(event({"object": "error", "message": "The engine died.", "code": 500}))),
        (Head(), Raw(event({"detail": "Internal"}))),
        (Head(),),
        (Head(), Raw(DONE)),
        (Head(), Raw(b": OPENROUTER PROCESSING\n\n" * 3)),
        (Head(), Raw(b": OPENROUTER PROCESSING\n\n"), Cut()),
        (Head(), Raw(b'data: {"choices": [{"delta"')),
        (Head(), Raw(b"data: {not json\n\n")),
        (Head(), Raw(b"data: []\n\n")),
        (Head(), Raw(b'data: {"choices": 7}\n\n')),
        (Head(), Raw(b"\x00\xff\n\n")),
        (Cut(),),
    ],
)
async def test_an_invalid_beginning_of_an_answer(
    first: Upstream, second: Upstream, way: Way, steps: tuple[Step, ...]
) -> None:
    first.next_answers(steps)
    assert await ask(ProviderClient(ONCE), [way(first), way(second, name="second")], stream=True) == ("second", "hi")
    assert asked(first) == 1
    first.next_answers(steps)
    assert (await refused(ProviderClient(ONCE), [way(first)])).status >= 500


@pytest.mark.parametrize(
    "steps",
    [
        (Head(content_type="text/html"), Raw(b"<html>Sign in, please.</html>")),
        (Head(content_type=JSON), Raw(b'{"error": {"message": "Not now.", "code": 503}}')),
        (Head(content_type=JSON), Raw(b'{"choices": null}')),
        (Head(content_type=JSON), Raw(b"[]")),
        (Head(content_type=JSON), Raw(b'{"choices": [{"message": {"content": "hal')),
        (Head(content_type=JSON), Raw(b'{"choices": [{"message": {"content": "hal'), Cut()),
        (Head(content_type=JSON), Raw(b'{"choices": [{"message": {"content": "\xff"}}]}')),
    ],
)
async def test_an_invalid_whole_answer(first: Upstream, second: Upstream, way: Way, steps: tuple[Step, ...]) -> None:
    routes = [way(first), way(second, name="second")]
    first.next_answers(steps, steps)
    assert await ask(ProviderClient(ONCE), routes, stream=False) == ("second", "hi")
    assert (await refused(ProviderClient(ONCE), routes[:1], stream=False)).status in (502, 503)


@pytest.mark.parametrize("steps", [(Stall(),), (Head(), Stall()), (Head(), Raw(b": wait\n\n"), Raw(b"da"), Stall())])
async def test_a_provider_that_does_not_begin(
    first: Upstream, second: Upstream, way: Way, steps: tuple[Step, ...]
) -> None:
    first.next_answers(steps, steps)
    routes = [way(first, first_token_seconds=0.1), way(second, name="second")]
    assert await ask(ProviderClient(ONCE), routes, stream=True) == ("second", "hi")
    error = await refused(ProviderClient(CallLimits()), routes[:1])
    assert (error.status, error.code) == (504, "provider_silent")
    assert asked(first) == 2  # a provider that is too late is not retried
    async with asyncio.timeout(5):
        await asyncio.gather(*(record.ended.wait() for record in first.completions))
    assert all(record.closed_early for record in first.completions)


async def test_a_whole_answer_has_a_deadline(first: Upstream, second: Upstream, way: Way) -> None:
    routes = [way(first, "stall-3"), way(second, name="second")]
    client = ProviderClient(ONCE)
    with pytest.raises(GatewayError) as caught:
        await client.whole(routes, COMPLETIONS, QUESTION, seconds=0.1)
    assert (caught.value.status, caught.value.code) == (504, "provider_silent")
    assert [name for name, _ in client.breakers] == ["first"]


async def test_a_pause_beyond_the_deadline_is_not_made(first: Upstream, way: Way) -> None:
    first.next_answers((Fail(503, None, "Loading.", retry_after=3),))
    with pytest.raises(GatewayError, match="Loading"):
        await ProviderClient().whole([way(first)], COMPLETIONS, QUESTION, seconds=2)


@STREAMED
async def test_a_provider_that_is_down(second: Upstream, way: Way, stream: bool) -> None:
    routes = [way("http://127.0.0.1:9/v1"), way("unix:/nowhere.sock", name="gone"), way(second, name="second")]
    assert await ask(ProviderClient(CallLimits(retries=1)), routes, stream=stream) == ("second", "hi")
    error = await refused(ProviderClient(ONCE), routes[:2], stream=stream)
    assert error.status == 502
    assert "first" in error.message


async def test_a_provider_that_takes_no_connection(second: Upstream, way: Way) -> None:
    mute = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)  # no handshake of TLS
    async with mute:
        url = f"https://127.0.0.1:{mute.sockets[0].getsockname()[1]}/v1"
        routes = [way(url, connect_seconds=0.1), way(second, name="second")]
        client = ProviderClient(CallLimits(connect_seconds=100))
        async with asyncio.timeout(30):
            assert await ask(client, routes, stream=True) == ("second", "hi")
        assert (await refused(client, routes[:1])).message == "The provider first can't be reached."


async def test_the_next_route_answers_instead_of_a_pause(first: Upstream, second: Upstream, way: Way) -> None:
    first.next_answers((Fail(429, "rate_limit_exceeded", "Slow down.", retry_after=1),))
    assert await ask(ProviderClient(), [way(first), way(second, name="second")], stream=True) == ("second", "hi")
    assert asked(first) == 1


async def test_a_transient_error_is_reported_first(first: Upstream, second: Upstream, way: Way) -> None:
    routes = [way(first, "error-401"), way(second, "error-503", name="second")]
    assert (await refused(ProviderClient(ONCE), routes)).status == 503
    routes = [way(first, "error-401"), way(second, "error-404", name="second")]
    assert (await refused(ProviderClient(ONCE), routes)).status == 401


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((Say(("one",)), Cut()), "provider_cut"),
        ((Say(("one",)), Raw(b"data: {\n\n")), "provider_garbled"),
        ((Say(("one",)), Stall()), "provider_silent"),
    ],
)
async def test_nothing_is_retried_after_the_first_token(
    first: Upstream, second: Upstream, way: Way, steps: tuple[Step, ...], code: str
) -> None:
    first.next_answers(steps)
    routes = [way(first, silence_seconds=0.1), way(second, name="second")]
    assert (await refused(ProviderClient(), routes)).code == code
    assert (asked(first), asked(second)) == (1, 0)


async def test_each_provider_gets_the_name_of_its_own_model(first: Upstream, second: Upstream, way: Way) -> None:
    routes = [way(first, "error-500"), way(second, "tokens-2", "second")]
    assert await ask(ProviderClient(ONCE), routes, stream=False) == ("second", "w1 w2")
    assert [record.document for record in (*first.completions, *second.completions)] == [
        QUESTION | {"model": "error-500"},
        QUESTION | {"model": "tokens-2"},
    ]


async def test_embeddings_fall_back_too(first: Upstream, second: Upstream, way: Way) -> None:
    first.refuse_embeddings(503, None, "Loading.")
    routes = [way(first, "embed-1"), way(second, "embed-2", "second")]
    answered = await ProviderClient(ONCE).whole(routes, "embeddings", {"model": "alias", "input": "hi"})
    assert (answered.route, answered.document["model"]) == (routes[1], "embed-2")
    first.answer_embeddings({"object": "list"})
    assert (await ProviderClient(ONCE).whole(routes, "embeddings", {"input": "hi"})).route == routes[1]


async def test_a_stream_that_begins_with_comments(first: Upstream, way: Way) -> None:
    said = (Raw(b": PROCESSING\n\n"), Raw(chunk("one")), Raw(b": still\n\n"), Raw(chunk("", "stop") + DONE))
    first.next_answers((Head(), *said))
    answer = await ProviderClient(ONCE).stream([way(first)], QUESTION)
    assert await text_of(answer) == "one"
