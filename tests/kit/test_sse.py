"""The decoder of server-sent events finds the same events wherever the byte stream is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from basechat.kit import sse
from basechat.kit.sse import SSEDecoder, SSEEvent

STREAM = (
    'data: {"a":"가"}\n\n: comment\n\nevent: x\r\ndata:{"b":1}\r\n\r\ndata: one\ndata: two\n\ndata: [DONE]\n\n'.encode()
)
DATA = ['{"a":"가"}'.encode(), b"", b'{"b":1}', b"one\ntwo", b"[DONE]"]
PARTS = [
    b"data: x",
    b"data:y",
    b"data",
    b"d",
    b": a comment",
    b"id: 7",
    b"\n",
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\r",
    b" ",
    b"\xff",
]


def _decode(*parts: bytes) -> list[SSEEvent]:
    decoder = SSEDecoder()
    events = [event for part in parts for event in decoder.feed(part)]
    return [*events, *filter(None, [decoder.finish()])]


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_a_cut_at_any_byte_changes_nothing(at: int) -> None:
    events = _decode(STREAM[:at], STREAM[at:])
    assert [event.data for event in events] == DATA
    assert b"".join(event.raw for event in events) == STREAM


@given(st.lists(st.sampled_from(PARTS), max_size=20).map(b"".join), st.lists(st.integers(0, 100), max_size=8))
def test_any_cuts_give_the_same_events(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    whole = _decode(stream)
    assert _decode(*(stream[start:end] for start, end in pairwise(places))) == whole
    assert _decode(*(bytes([byte]) for byte in stream)) == whole


def test_an_event_without_its_blank_line_is_found_at_the_end() -> None:
    decoder = SSEDecoder()
    assert [event.data for event in decoder.feed(b"data: whole\n\ndata: half")] == [b"whole"]
    last = decoder.finish()
    assert last is not None
    assert last.data == b"half"
    assert decoder.finish() is None


def test_an_event_without_end_is_an_error() -> None:
    decoder = SSEDecoder(event_bytes=100)
    decoder.feed(b"data: x\n\n" + b"data: " + b"x" * 94)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        decoder.feed(b"\n")


def test_a_decoder_reads_what_the_encoder_writes() -> None:
    event = sse.encode("message.delta", b'{"text":"\xea\xb0\x80"}', "1-2")
    assert event.startswith(b"id: 1-2\nevent: message.delta\n")
    assert [found.data for found in _decode(sse.KEEP_ALIVE, event)] == [b"", b'{"text":"\xea\xb0\x80"}']
