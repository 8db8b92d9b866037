"""The events of a provider's stream: whole and valid ones only, however the bytes arrive."""

from dataclasses import dataclass, field
from typing import Any

from basechat.kit import json
from basechat.kit.sse import SSEDecoder, SSEEvent

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
    """Parses the events of a stream of completions, so that nothing invalid is passed on.

    The events do not depend on how the bytes are split. An error is raised after all valid events before it. Bytes
    behind `[DONE]` are dropped.
    """

    def __init__(self) -> None:
        self._decoder = SSEDecoder(event_bytes=EVENT_BYTES)
        self._ended = False
        self._garbled: GarbledError | None = None

    def decode(self, part: bytes) -> EventBatch | None:
        """The events that end in this part, if any; raises `GarbledError`."""
        if self._ended:
            self._check()
            return None
        try:
            events = self._decoder.feed(part)
        except ValueError as error:
            raise GarbledError(str(error)) from error
        if len(events) == 1 and part is events[0].raw and events[0].data.startswith(b"{"):
            return EventBatch(part, [_parse_object(events[0].data)])  # one event of one line, as nearly all are
        return self._parse(events) if events else None

    def finish(self) -> EventBatch | None:
        """The last event of a stream that ended without an empty line; raises `GarbledError`.

        Half an event is dropped: it is not valid JSON, so it can't be mistaken for a whole one.
        """
        if self._ended:
            self._check()
            return None
        event = self._decoder.finish()
        if event is None:
            return None
        try:
            return self._parse([event])
        except GarbledError:
            return None

    def _check(self) -> None:
        if self._garbled is not None:
            raise self._garbled

    def _parse(self, events: list[SSEEvent]) -> EventBatch:
        batch, raw = EventBatch(b""), []
        for event in events:
            try:
                _check_lines(event.raw)
                batch.is_done = event.data == _DONE
                if event.data and not batch.is_done:
                    batch.documents.append(_parse_object(event.data))
            except GarbledError as error:
                self._garbled = error
                break
            raw.append(event.raw)
            if batch.is_done:
                break
        self._ended = batch.is_done or self._garbled is not None
        if not raw:
            self._check()
        batch.raw = b"".join(raw)
        return batch


def _check_lines(raw: bytes) -> None:
    """Check all lines but data. A comment must be valid UTF-8, because clients decode it."""
    for line in raw.splitlines():
        if line.startswith(b"data:") or not line:
            continue
        if line.partition(b":")[0] not in _FIELDS:
            raise GarbledError("a line that belongs to no event")
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise GarbledError("a comment that is not UTF-8") from error


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
