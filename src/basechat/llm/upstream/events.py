"""Server-sent events of a provider, cut where they end: whatever pieces they come in, only whole ones go on."""

from dataclasses import dataclass, field
from typing import Any

from basechat.kit import json

EVENT_BYTES = 16_000_000
_DONE = b"[DONE]"
_FIELDS = (b"", b"data", b"event", b"id", b"retry")  # the nameless one is a comment


class GarbledError(Exception):
    """What a provider sent is no stream of completions."""


@dataclass(slots=True)
class Piece:
    """Whole events as the provider sent them, and the JSON objects in them, in order.

    The `choices` of an object, if there are any, are objects with a number as their `index`, if it is told.
    """

    raw: bytes
    documents: list[dict[str, Any]] = field(default_factory=list)
    is_done: bool = False
    """Whether `[DONE]` is the last of them."""


class EventCutter:
    """Cuts a stream of bytes into whole events and reads each, so that nothing unreadable is ever passed on.

    However the bytes are split, the events are the same, and what can't be read is told behind all that could be.
    What follows `[DONE]` is dropped unread.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._ended = False
        self._garbled: GarbledError | None = None

    def cut(self, part: bytes) -> Piece | None:
        """Return the events that end in this part, if any does; raises `GarbledError`."""
        if self._ended:
            self._check()
            return None
        if not self._rest:
            if part.endswith(b"}\n\n") and part.startswith(b"data: {") and part.find(b"\n") == len(part) - 2:
                return Piece(part, [_object(part[6:-2])])  # one event of one line, as nearly all are
            if part.endswith(b"\n\n"):
                return self._read(part)
        whole = self._whole(part)
        return self._read(whole) if whole else None

    def finish(self) -> Piece | None:
        """Return the last event where the stream ended without the empty line behind it; raises `GarbledError`.

        Half an event is dropped; it is no JSON, so it can't be taken for a whole one.
        """
        if self._ended:
            self._check()
            return None
        rest = bytes(self._rest).rstrip(b"\r\n")
        self._rest.clear()
        piece, _ = _read_any(rest + b"\n\n")
        return piece if rest and piece.raw else None

    def _check(self) -> None:
        """Raise what could not be read, behind what could."""
        if self._garbled is not None:
            raise self._garbled

    def _whole(self, part: bytes) -> bytes:
        """Take the bytes up to the end of the last event that is whole."""
        began = max(len(self._rest) - 2, 0)  # an end may lie across two parts
        self._rest += part
        end = max(self._rest.rfind(b"\n\n", began) + 2, self._rest.rfind(b"\n\r\n", began) + 3)
        if end <= 2:  # neither was found
            if len(self._rest) > EVENT_BYTES:
                raise GarbledError(f"an event of more than {EVENT_BYTES:,} bytes")
            return b""
        whole = bytes(self._rest[:end])
        del self._rest[:end]
        return whole

    def _read(self, raw: bytes) -> Piece:
        piece = _read_usual(raw)
        if piece is None:
            piece, self._garbled = _read_any(raw)
        self._ended = piece.is_done or self._garbled is not None
        if not piece.raw:
            self._check()
        return piece


def _read_usual(raw: bytes) -> Piece | None:
    """Read events of one line each, `data: {…}`; returns None where one is not, or can't be read."""
    *events, last = raw.split(b"\n\n")
    if last:
        return None
    documents = []
    is_done = False
    for event in events:
        if is_done or b"\n" in event:
            return None
        if event.startswith(b"data: {"):
            try:
                documents.append(_object(event[6:]))
            except GarbledError:
                return None
        elif event == b"data: [DONE]":
            is_done = True
        else:
            return None
    return Piece(raw, documents, is_done)


def _read_any(raw: bytes) -> tuple[Piece, GarbledError | None]:
    """Read events as the standard allows them: any line ends, comments, other fields, data over several lines.

    Returns those before the first that can't be read, and why it can't be.
    """
    piece = Piece(raw)
    data: list[bytes] = []
    at = end = 0
    garbled = None
    try:
        for line in raw.splitlines(keepends=True):
            at += len(line)
            if line.strip(b"\r\n"):
                data += _data_of(line)
                continue
            said = b"\n".join(data)
            data.clear()
            piece.is_done = said == _DONE
            if said and not piece.is_done:
                piece.documents.append(_object(said))
            end = at
            if piece.is_done:
                break
    except GarbledError as error:
        garbled = error
    piece.raw = raw[:end]
    return piece, garbled


def _data_of(line: bytes) -> list[bytes]:
    """Return the data of a line, if it has any; comments must at least be text, for whoever decodes them."""
    name, _, value = line.rstrip(b"\r\n").partition(b":")
    if name not in _FIELDS:
        raise GarbledError("a line that is of no event")
    if name == b"data":
        return [value.strip(b" ")]
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise GarbledError("a comment that is no UTF-8") from error
    return []


def _object(said: bytes) -> dict[str, Any]:
    try:
        document = json.loads(said)
    except ValueError as error:
        raise GarbledError("an event that is no JSON in UTF-8") from error
    if type(document) is not dict:
        raise GarbledError("an event that is no object")
    if choices := document.get("choices"):
        if type(choices) is not list:
            raise GarbledError("choices that are no list")
        for choice in choices:
            if type(choice) is not dict or type(choice.get("index", 0)) is not int:
                raise GarbledError("a choice that is none")
    return document
