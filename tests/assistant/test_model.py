"""What the gateway does not answer now, but says that it soon will, is asked again; anything else is told at once."""

from collections.abc import Sequence
from uuid import uuid4

import aiohttp
import pytest

from basechat.assistant import model
from basechat.assistant.completion import Completion
from basechat.assistant.model import ModelCall, ModelClient
from basechat.chat.runs.answer import AnswerError
from tests.support.byte_server import serving

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    b'data: {"choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
)
CALL = ModelCall(owner_id=uuid4(), run_id=uuid4(), attempt=1, model="m")


def _refusal(retry_after: str) -> bytes:
    said = b'{"error": {"message": "It is left alone.", "code": "provider_unavailable"}}'
    head = f"HTTP/1.1 503 No\r\nContent-Length: {len(said)}\r\n" + (
        f"Retry-After: {retry_after}\r\n" * bool(retry_after)
    )
    return head.encode() + b"\r\n" + said


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_PAUSES", (0.01, 0.02, 2.0))


async def _asked(*answers: bytes) -> tuple[str, int]:
    """Return what the client says, and how often it asked."""
    parts: Sequence[Sequence[object]] = [[answer] for answer in answers]
    async with serving(*parts) as server, aiohttp.ClientSession() as http:
        client = ModelClient(http, f"http://127.0.0.1:{server.port}", b"secret")
        try:
            pieces = client.stream(CALL, [{"role": "user", "content": "hi"}], Completion())
            return "".join([piece async for piece in pieces]), len(server.asked)
        except AnswerError as error:
            return error.code, len(server.asked)


async def test_a_provider_that_is_left_alone_for_a_moment_is_waited_for() -> None:
    assert await _asked(_refusal("1"), _refusal("2"), ANSWER) == ("hello", 3)


@pytest.mark.parametrize("retry_after", ["60", "", "soon"])
async def test_one_that_is_left_alone_for_longer_is_told_at_once(retry_after: str) -> None:
    assert await _asked(_refusal(retry_after), ANSWER) == ("model.unavailable", 1)
