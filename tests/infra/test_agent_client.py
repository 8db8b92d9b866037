"""The client of llm-agent: distinct errors, bounded reading, and retries while the gateway restarts."""

from uuid import uuid4

import aiohttp
import pytest

from basechat.infra import agent_client
from basechat.infra.agent_client import (
    AgentAnswerError,
    AgentClient,
    AgentDisconnectedError,
    AgentError,
    AgentStatusError,
    AgentTimeoutError,
    AgentUnreachableError,
    caller_for,
)
from tests.support.byte_server import CLOSE, serving

CALLER = caller_for(uuid4())
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Basechat-Cache: hit\r\nContent-Length: 41\r\n\r\n"
EVENTS = b'data: {"a": 1}\n\n: comment\n\ndata: [DONE]\n\n'
REFUSAL = b'HTTP/1.1 %d No\r\nRetry-After: %d\r\nContent-Length: 7\r\n\r\n{"a":1}'


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_client, "_RETRY_PAUSES", (0.01, 0.02, 2.0))
    monkeypatch.setattr(agent_client, "IDLE_SECONDS", 0.1)


async def _stream(*answers: list[object]) -> tuple[list[bytes], int]:
    """The events of a streamed completion, and the number of requests."""
    async with serving(*answers) as server, aiohttp.ClientSession() as http:
        client = AgentClient(http, f"http://127.0.0.1:{server.port}", b"secret")
        async with client.stream_completion(CALLER, b"{}") as stream:
            assert stream.headers["x-basechat-cache"] == "hit"
            return [data async for data in stream.events()], len(server.asked)


async def _list(*answer: object) -> list[object]:
    async with serving(answer) as server, aiohttp.ClientSession() as http:
        return list(await AgentClient(http, f"http://127.0.0.1:{server.port}", b"secret").list_models(CALLER))


async def test_events_arrive_however_they_are_cut() -> None:
    parts = [EVENTS[at : at + 7] for at in range(0, len(EVENTS), 7)]
    assert await _stream([HEAD, *parts]) == ([b'{"a": 1}', b"[DONE]"], 1)


async def test_a_gateway_that_recovers_soon_is_called_again() -> None:
    assert await _stream([CLOSE], [REFUSAL % (503, 1)], [HEAD + EVENTS]) == ([b'{"a": 1}', b"[DONE]"], 3)


@pytest.mark.parametrize(("status", "seconds"), [(503, 60), (429, 1), (400, 0)])
async def test_other_errors_are_raised_at_once(status: int, seconds: int) -> None:
    with pytest.raises(AgentStatusError) as caught:
        await _stream([REFUSAL % (status, seconds)], [HEAD + EVENTS])
    assert caught.value.response_status == status
    assert caught.value.body == b'{"a":1}'


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([HEAD, EVENTS[:20], CLOSE], AgentDisconnectedError),
        ([HEAD, EVENTS[:20], 1.0], AgentTimeoutError),
        ([1.0], AgentTimeoutError),
        ([HEAD.replace(b"41", b"2000000"), b"data: " + b"x" * 1_100_000], AgentAnswerError),
    ],
)
async def test_each_way_a_stream_breaks_has_its_error(answer: list[object], error: type[AgentError]) -> None:
    with pytest.raises(error):
        await _stream(answer)


async def test_a_gateway_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_client, "_RETRY_PAUSES", (0.01, 0.02))
    with pytest.raises(AgentUnreachableError):
        await _stream([CLOSE], [CLOSE], [CLOSE])


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", AgentAnswerError),
        (b"{}", AgentAnswerError),
        (b"[]", AgentAnswerError),
        (b" " * 20_000_001, AgentAnswerError),
        (b"", AgentAnswerError),
    ],
    ids=["half", "empty", "list", "long", "none"],
)
async def test_a_list_that_can_not_be_read_is_an_error(body: bytes, error: type[AgentError]) -> None:
    with pytest.raises(error):
        await _list(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def test_people_see_one_error_for_all_failures() -> None:
    with pytest.raises(AgentError) as caught:
        await _list(CLOSE)
    assert (caught.value.status, caught.value.code) == (503, "model.unavailable")
    assert caught.value.detail == "The model gateway does not answer now."
