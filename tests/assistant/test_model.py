"""A short refusal is retried. Any other refusal is an error at once."""

from collections.abc import Sequence
from uuid import uuid4

import aiohttp
import pytest

from basechat.assistant.model import Completion, ModelClient, ModelRequest
from basechat.chat.runs.answer import AnswerError
from basechat.infra import agent_client
from basechat.infra.agent_client import AgentClient
from tests.support.byte_server import serving

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    b'data: {"choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
)
REQUEST = ModelRequest(owner_id=uuid4(), run_id=uuid4(), attempt=1, model="m")


def _refusal(retry_after: str) -> bytes:
    body = b'{"error": {"message": "It is left alone.", "code": "provider_unavailable"}}'
    head = f"HTTP/1.1 503 No\r\nContent-Length: {len(body)}\r\n" + (
        f"Retry-After: {retry_after}\r\n" * bool(retry_after)
    )
    return head.encode() + b"\r\n" + body


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_client, "_RETRY_PAUSES", (0.01, 0.02, 2.0))


async def _stream(*answers: bytes) -> tuple[str, int]:
    """The text or the error code of the client, and its number of requests."""
    parts: Sequence[Sequence[object]] = [[answer] for answer in answers]
    async with serving(*parts) as server, aiohttp.ClientSession() as http:
        client = ModelClient(AgentClient(http, f"http://127.0.0.1:{server.port}", b"secret"))
        try:
            pieces = client.stream(REQUEST, [{"role": "user", "content": "hi"}], Completion())
            return "".join([piece async for piece in pieces]), len(server.asked)
        except AnswerError as error:
            return error.code, len(server.asked)


async def test_the_client_retries_while_a_circuit_breaker_is_open_for_a_moment() -> None:
    assert await _stream(_refusal("1"), _refusal("2"), ANSWER) == ("hello", 3)


@pytest.mark.parametrize("retry_after", ["60", "", "soon"])
async def test_a_longer_refusal_is_an_error_at_once(retry_after: str) -> None:
    assert await _stream(_refusal(retry_after), ANSWER) == ("model.unavailable", 1)
