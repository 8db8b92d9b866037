"""The bytes of event streams, made comparable with a recording of the same script.

Placeholders replace ids and times, and a run's counts of tokens, which depend on the date and on the prompt's words.
Consecutive deltas are joined, as their number depends on timing. So an event's id keeps its attempt, and its sequence
becomes the rank of the event in the stream.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import aiohttp
import orjson

FOLDER = Path(__file__).parent / "recorded"
RECORDS = os.environ.get("RECORD") == "1"  # noqa: TID251 - the environment of the test run

_KEEP_ALIVE = b": keep-alive"
_HEADERS = ("content-type", "cache-control", "location", "x-basechat-cache", "x-basechat-provider")
_IDS = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|chatcmpl-\w+|call_(?=\w*\d)\w+")
_TIMES = re.compile(rb'\d{4}-\d\d-\d\dT\d\d:[0-9:.]+(?:Z|[+-]\d\d:\d\d)|(?<="created":)\d+')
_COUNTS = re.compile(rb'("(?:tokens_used|estimated|prompt_tokens)":)\d+')
_RUN_EVENT = re.compile(rb"id: (\d+)-\d+\nevent: ([a-z.]+)\ndata: (.*)", re.DOTALL)


async def read(response: aiohttp.ClientResponse) -> bytes:
    """Read a stream to its end; its status and some headers come first."""
    return head(response) + await response.read()


def head(response: aiohttp.ClientResponse) -> bytes:
    """The status and the headers that are compared."""
    lines = [f"HTTP {response.status}"]
    lines += [f"{name}: {response.headers[name]}" for name in _HEADERS if name in response.headers]
    return "\n".join(lines).encode() + b"\n\n"


def compare(name: str, played: bytes, normalize: Callable[[bytes], bytes]) -> None:
    """Compare what was played with the recording of that name; `RECORD=1` writes the recording."""
    recording = FOLDER / f"{name}.sse"
    normal = _without_ids_and_times(normalize(played))
    if RECORDS:
        recording.parent.mkdir(exist_ok=True)
        recording.write_bytes(normal)
    assert normal.decode() == recording.read_text(), "If meant: `RECORD=1 .venv/bin/pytest tests/recordings`."


def normalize_run(stream: bytes) -> bytes:
    """Join the deltas of a run's events, and number the events by rank."""
    blocks: list[bytes] = []
    deltas: list[tuple[bytes, str, int]] = []
    rank = 0
    for block in stream.removesuffix(b"\n\n").split(b"\n\n"):
        event = _RUN_EVENT.fullmatch(block)
        if block == _KEEP_ALIVE:
            continue
        if event and event[2] == b"message.delta":
            deltas.append(_delta(event))
            continue
        if deltas:
            rank += 1
            blocks.append(_joined(deltas, rank))
            deltas.clear()
        rank = rank + 1 if event else 0
        blocks.append(_event(event, rank) if event else block)
    assert not deltas, "the stream ends before its run"
    return _COUNTS.sub(rb"\1<count>", b"".join(block + b"\n\n" for block in blocks))


def normalize_completion(stream: bytes) -> bytes:
    """A completion as it is: one chunk for each chunk of the provider."""
    return stream


def _delta(event: re.Match[bytes]) -> tuple[bytes, str, int]:
    document = orjson.loads(event[3])
    assert event[3] == orjson.dumps({"text": document["text"], "at": document["at"]}), "a delta of another form"
    return event[1], document["text"], document["at"]


def _joined(deltas: list[tuple[bytes, str, int]], rank: int) -> bytes:
    attempt, text, first = deltas[0][0], "", deltas[0][2]
    for of, piece, at in deltas:
        assert (of, at) == (attempt, first + len(text)), "a gap or an overlap between deltas"
        text += piece
    return _block(attempt, rank, b"message.delta", orjson.dumps({"text": text, "at": first}))


def _event(event: re.Match[bytes], rank: int) -> bytes:
    attempt, name, data = event.groups()
    return _block(attempt, rank, name, data)


def _block(attempt: bytes, rank: int, name: bytes, data: bytes) -> bytes:
    return b"id: %b-<%d>\nevent: %b\ndata: %b" % (attempt, rank, name, data)


def _without_ids_and_times(stream: bytes) -> bytes:
    known: dict[bytes, bytes] = {}
    stream = _IDS.sub(lambda match: known.setdefault(match[0], b"<id %d>" % (len(known) + 1)), stream)
    return _TIMES.sub(b"<time>", stream)
