"""The events of a stream do not depend on how its bytes are split."""

from itertools import pairwise
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from basechat.llm.upstream.events import EventDecoder, GarbledError

LINE_ENDS = st.sampled_from([b"\n", b"\r\n"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DOCUMENTS = st.dictionaries(TEXT, TEXT | st.none() | st.integers(-(2**53), 2**53) | st.lists(TEXT), max_size=3)
COMMENT = TEXT.map(lambda text: text.encode().replace(b"\r", b"").replace(b"\n", b""))
GARBAGE = st.sampled_from([b"data: {", b"data: []", b"\xff", b"<html>", b": \xfe", b"data: \x00", b"da ta: {}"])


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """One event: usual, in many lines, a comment, with other fields, empty or the end; with any line ends."""
    document = orjson.dumps(draw(DOCUMENTS))
    lines = draw(
        st.sampled_from(
            [
                [b"data: " + document],
                [b"data:" + document],
                [b"event: x", b"data: " + document, b"id: 7"],
                [b"data: {", b"data:" + document[1:]],
                [b":" + draw(COMMENT)],
                [b":" + draw(COMMENT), b"data: " + document],
                [b"data"],
                [b""],
                [b"data: [DONE]"],
            ]
        )
    )
    return b"".join(line + draw(LINE_ENDS) for line in [*lines, b""])


STREAMS = st.builds(
    lambda good, garbage, more: b"".join([*good, *([garbage + b"\n\n"] if garbage else []), *more]),
    st.lists(events(), max_size=6),
    st.none() | GARBAGE,
    st.lists(events(), max_size=2),
)


def _read(parts: list[bytes]) -> tuple[bytes, list[dict[str, Any]], bool, bool]:
    """The bytes and documents that come out, whether the end was seen, and whether something was garbled."""
    decoder = EventDecoder()
    raw, documents, is_done = b"", [], False
    try:
        for piece in (*map(decoder.decode, parts), decoder.finish()):
            if piece is not None:
                assert not is_done
                raw += piece.raw
                documents += piece.documents
                is_done = piece.is_done
    except GarbledError:
        return raw, documents, is_done, True
    return raw, documents, is_done, False


def _split(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[begin:end] for begin, end in pairwise(places)]


@given(STREAMS, st.lists(st.integers(0, 2_000), max_size=8))
def test_events_do_not_depend_on_the_split(stream: bytes, cuts: list[int]) -> None:
    raw, *whole = _read([stream])
    for parts in (_split(stream, cuts), [bytes([byte]) for byte in stream]):
        same, *others = _read(parts)
        assert others == whole
        assert same.rstrip(b"\r\n") == raw.rstrip(b"\r\n")  # empty lines at the end say nothing


@given(st.lists(DOCUMENTS, max_size=5), LINE_ENDS, st.booleans(), st.lists(st.integers(0, 2_000), max_size=5))
def test_nothing_is_lost_or_changed(
    documents: list[dict[str, Any]], line_end: bytes, is_done: bool, cuts: list[int]
) -> None:
    said = [*(orjson.dumps(document) for document in documents), *([b"[DONE]"] if is_done else [])]
    stream = b"".join(b"data: " + each + line_end * 2 for each in said)
    assert _read(_split(stream, cuts)) == (stream, documents, is_done, False)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_any_bytes_are_events_or_an_error(stream: bytes, cuts: list[int]) -> None:
    raw, documents, _, _ = _read(_split(stream, cuts))
    raw.decode()
    assert all(isinstance(document, dict) for document in documents)


@given(events(), st.binary(max_size=50))
def test_nothing_follows_the_end(event: bytes, more: bytes) -> None:
    done = b"data: [DONE]\n\n"
    raw, _, is_done, is_garbled = _read([event + done + more])
    assert is_done
    assert not is_garbled
    assert (event + done).startswith(raw)
