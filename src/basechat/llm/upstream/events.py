"""Decoding a provider's server-sent events: whole and valid events only, however the bytes arrive."""

from dataclasses import dataclass, field
from typing import Any

from basechat.kit import json

EVENT_BYTES = 16_000_000
_DONE = b"[DONE]"
_FIELDS = (b"", b"data", b"event", b"id", b"retry")  # a line with an empty name is a comment


class GarbledError(Exception):
    """The bytes of a provider are not a stream of completions."""


@dataclass(slots=True)
class EventBatch:
    """Whole events, as bytes and as their JSON objects, in order.

    `choices` of an object, if present, are objects. Their `index`, if present, is a number.
    """

    raw: bytes
    documents: list[dict[str, Any]] = field(default_factory=list)
    is_done: bool = False
    """Whether `[DONE]` is the last event."""


class EventDecoder:
    """Splits bytes into whole events and parses each, so that nothing invalid is passed on.

    The events do not depend on how the bytes are split. An error is raised after all valid events before it. Bytes
    behind `[DONE]` are dropped.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._ended = False
        self._garbled: GarbledError | None = None

    def decode(self, part: bytes) -> EventBatch | None:
        """The events that end in this part, if any; raises `GarbledError`."""
        if self._ended:
            self._check()
            return None
        if not self._rest:
            if part.endswith(b"}\n\n") and part.startswith(b"data: {") and part.find(b"\n") == len(part) - 2:
                return EventBatch(part, [_parse_object(part[6:-2])])  # one event of one line, as nearly all are
            if part.endswith(b"\n\n"):
                return self._parse(part)
        whole = self._take_whole(part)
        return self._parse(whole) if whole else None

    def finish(self) -> EventBatch | None:
        """The last event of a stream that ended without an empty line; raises `GarbledError`.

        Half an event is dropped: it is not valid JSON, so it can't be mistaken for a whole one.
        """
        if self._ended:
            self._check()
            return None
        rest = bytes(self._rest).rstrip(b"\r\n")
        self._rest.clear()
        batch, _ = _parse_any(rest + b"\n\n")
        return batch if rest and batch.raw else None

    def _check(self) -> None:
        if self._garbled is not None:
            raise self._garbled

    def _take_whole(self, part: bytes) -> bytes:
        """Take the bytes up to the end of the last whole event."""
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

    def _parse(self, raw: bytes) -> EventBatch:
        batch = _parse_usual(raw)
        if batch is None:
            batch, self._garbled = _parse_any(raw)
        self._ended = batch.is_done or self._garbled is not None
        if not batch.raw:
            self._check()
        return batch


def _parse_usual(raw: bytes) -> EventBatch | None:
    """Parse events of one line each, `data: {…}`, or return None if one is different or invalid."""
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
                documents.append(_parse_object(event[6:]))
            except GarbledError:
                return None
        elif event == b"data: [DONE]":
            is_done = True
        else:
            return None
    return EventBatch(raw, documents, is_done)


def _parse_any(raw: bytes) -> tuple[EventBatch, GarbledError | None]:
    """Parse events in any form that the standard allows: other line ends, comments, fields, data over several lines.

    Returns the events before the first invalid one, and its error.
    """
    batch = EventBatch(raw)
    data: list[bytes] = []
    at = end = 0
    garbled = None
    try:
        for line in raw.splitlines(keepends=True):
            at += len(line)
            if line.strip(b"\r\n"):
                data += _data_of(line)
                continue
            text = b"\n".join(data)
            data.clear()
            batch.is_done = text == _DONE
            if text and not batch.is_done:
                batch.documents.append(_parse_object(text))
            end = at
            if batch.is_done:
                break
    except GarbledError as error:
        garbled = error
    batch.raw = raw[:end]
    return batch, garbled


def _data_of(line: bytes) -> list[bytes]:
    """The data of a line, if any. A comment must be valid UTF-8, because clients decode it."""
    name, _, value = line.rstrip(b"\r\n").partition(b":")
    if name not in _FIELDS:
        raise GarbledError("a line that belongs to no event")
    if name == b"data":
        return [value.strip(b" ")]
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise GarbledError("a comment that is not UTF-8") from error
    return []


def _parse_object(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise GarbledError("an event that is not JSON in UTF-8") from error
    if type(document) is not dict:
        raise GarbledError("an event that is not an object")
    if choices := document.get("choices"):
        if type(choices) is not list:
            raise GarbledError("choices that are not a list")
        for choice in choices:
            if type(choice) is not dict or type(choice.get("index", 0)) is not int:
                raise GarbledError("an invalid choice")
    return document
