"""Server-sent events (WHATWG HTML, section 9.2): the encoder and the only decoder."""

import re
from typing import NamedTuple

EVENT_BYTES = 1_000_000
KEEP_ALIVE = b": keep-alive\n\n"

_BLANK_LINE = re.compile(rb"\n\r?\n")


def encode(event: str, data: bytes, event_id: str) -> bytes:
    """Encode one event; `data` is JSON without line breaks."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event_id.encode(), event.encode(), data)


class SSEEvent(NamedTuple):
    """One event: its bytes as received, with the blank line at its end, and its data, which a comment does not have."""

    raw: bytes
    data: bytes


class SSEDecoder:
    """Splits a stream of bytes into events. The events do not depend on where the stream was cut into parts.

    Fields other than `data` and unknown lines are skipped. Spaces around the data are dropped.
    """

    def __init__(self, *, event_bytes: int = EVENT_BYTES) -> None:
        self._event_bytes = event_bytes
        self._rest = bytearray()

    def feed(self, part: bytes) -> list[SSEEvent]:
        """Decode the events that end in `part`; raises ValueError if an event exceeds `event_bytes`."""
        if not self._rest and part.startswith(b"data:") and part.endswith(b"\n\n") and _has_one_line(part):
            return [SSEEvent(part, part[5:-2].strip(b" "))]  # most parts are one such event
        searched = max(len(self._rest) - 2, 0)  # a blank line may lie across two parts
        self._rest += part
        ends = [match.end() for match in _BLANK_LINE.finditer(self._rest, searched)]
        if not ends and len(self._rest) > self._event_bytes:
            raise ValueError(f"an event of more than {self._event_bytes:,} bytes")
        events, start = [], 0
        for end in ends:
            events.append(_event(bytes(self._rest[start:end])))
            start = end
        del self._rest[:start]
        return events

    def finish(self) -> SSEEvent | None:
        # Decode what follows the last blank line: some servers close the stream without one.
        rest = bytes(self._rest).rstrip(b"\r\n")
        self._rest.clear()
        return _event(rest + b"\n\n") if rest else None


def _has_one_line(raw: bytes) -> bool:
    return raw.find(b"\n") == len(raw) - 2 and b"\r" not in raw


def _event(raw: bytes) -> SSEEvent:
    lines = (line for line in raw.splitlines() if line.startswith(b"data:"))
    return SSEEvent(raw, b"\n".join(line[5:].strip(b" ") for line in lines))
