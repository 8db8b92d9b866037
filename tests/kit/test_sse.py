"""Server-sent events come out of a byte stream whole, wherever it was cut."""

from collections.abc import AsyncIterator

import pytest

from basechat.kit import sse

STREAM = 'data: {"a":"가"}\n\n: comment\n\nevent: x\r\ndata:{"b":1}\r\n\r\ndata: [DONE]\n\n'.encode()
DATA = ['{"a":"가"}'.encode(), b'{"b":1}', b"[DONE]"]


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
async def test_a_cut_at_any_byte_changes_nothing(at: int) -> None:
    assert [line async for line in sse.data_lines(_chunks(STREAM[:at], STREAM[at:]))] == DATA


async def test_byte_by_byte() -> None:
    pieces = (STREAM[at : at + 1] for at in range(len(STREAM)))
    assert [line async for line in sse.data_lines(_chunks(*pieces))] == DATA


async def test_a_line_that_never_ended_is_no_event() -> None:
    assert [line async for line in sse.data_lines(_chunks(b"data: whole\n", b"data: half"))] == [b"whole"]


async def test_what_is_written_can_be_read() -> None:
    event = sse.encode("message.delta", b'{"text":"\xea\xb0\x80"}', "1-2")
    assert event.startswith(b"id: 1-2\nevent: message.delta\n")
    assert [line async for line in sse.data_lines(_chunks(sse.KEEP_ALIVE, event))] == [b'{"text":"\xea\xb0\x80"}']
