"""Server-sent events of a provider, cut where they end: whatever pieces they come in, only whole ones go on."""

from dataclasses import dataclass, field
from typing import Any

from basechat.kit import json

EVENT_BYTES = 16_000_000
_FIELD = b"data:"
_DONE = b"[DONE]"


class GarbledError(Exception):
    """What a provider sent is no stream of completions."""


@dataclass(slots=True)
class Piece:
    """Whole events as the provider sent them, and the JSON objects in them, in order."""

    raw: bytes
    documents: list[dict[str, Any]] = field(default_factory=list)
    is_done: bool = False
    """Whether `[DONE]` is among them."""


class EventCutter:
    """Cuts a stream of bytes into whole events and reads each, so that nothing unreadable is ever passed on."""

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left of an event that did not end."""
        return not self._rest.strip()

    def cut(self, part: bytes) -> Piece | None:
        """Return the events that end in this part, if any does; raises `GarbledError`."""
        if not self._rest and part.endswith(b"\n\n"):
            return _read(part)
        began = max(len(self._rest) - 3, 0)  # an end may lie across two parts
        self._rest += part
        end = _last_end(self._rest, began)
        if end is None:
            if len(self._rest) > EVENT_BYTES:
                raise GarbledError(f"an event of more than {EVENT_BYTES:,} bytes")
            return None
        whole = bytes(self._rest[:end])
        del self._rest[:end]
        return _read(whole)


def _last_end(stream: bytearray, began: int) -> int | None:
    """Return where the last event ends that ends behind `began`."""
    ends = [at + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if (at := stream.rfind(mark, began)) >= 0]
    return max(ends, default=None)


def _read(raw: bytes) -> Piece:
    piece = Piece(raw)
    for line in raw.split(b"\n"):
        if not line.startswith(_FIELD):
            continue
        said = line[len(_FIELD) :].strip()
        if said == _DONE:
            piece.is_done = True
        elif said:
            piece.documents.append(_object(said))
    return piece


def _object(said: bytes) -> dict[str, Any]:
    try:
        document = json.loads(said)
    except ValueError as error:
        raise GarbledError("an event that is no JSON in UTF-8") from error
    if not isinstance(document, dict):
        raise GarbledError("an event that is no object")
    return document
