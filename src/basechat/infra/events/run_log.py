"""The events of one attempt: text gathered into deltas, other events in order, and recovery after a lost log."""

from collections.abc import Callable
from uuid import UUID

from basechat.infra.events.entry import RunLogEntry, to_entry
from basechat.protocol import (
    LAST_EVENTS,
    ApprovalAsked,
    MessageDelta,
    MessageReset,
    RunEvent,
    ToolAnswered,
    ToolCalled,
)

LONGEST_DELTA = 4096  # code points, so that a viewer receives an answer in small pieces


class RunLog:
    """The part of a run's log that one attempt writes. `LogWriter` sends it.

    Entries are consecutive in `seq`. After the log was lost, or a write has an unknown result, the next entry is
    `message.reset` with the whole text. Unconfirmed events that are not text follow it. After a lost log the events of
    tools follow it, too: new viewers need them.
    """

    def __init__(self, run_id: UUID, attempt: int, *, touch: Callable[["RunLog", bool], None]) -> None:
        self.run_id = run_id
        self.attempt = attempt
        self.fenced = False
        self.ended = False
        self._touch = touch
        self._seq = 0
        self._parts: list[str] = []
        self._length = 0
        self._new_text: list[str] = []
        self._waiting: list[RunEvent] = []
        self._unconfirmed: list[RunEvent] = []
        self._tools: list[RunEvent] = []
        self._lost = False
        self._reset = attempt > 1

    @property
    def text(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    @property
    def length(self) -> int:
        return self._length

    def write(self, text: str) -> None:
        first = self._length == 0
        self._parts.append(text)
        self._new_text.append(text)
        self._length += len(text)
        self._touch(self, first)

    def reset(self, text: str = "") -> None:
        """Replace all text by this text; viewers get a `message.reset`."""
        self._parts, self._new_text, self._length = [text] if text else [], [], len(text)
        self._reset = True
        self._touch(self, True)

    def emit(self, event: RunEvent) -> None:
        # Add an event that is not text, after all text so far.
        self._add_deltas()
        self._waiting.append(event)
        if isinstance(event, ToolCalled | ApprovalAsked | ToolAnswered):
            self._tools.append(event)
        self.ended = event.event in LAST_EVENTS
        self._touch(self, True)

    def lose(self) -> None:
        # Record that the log was lost, or that a write has an unknown result.
        self._reset = self._lost = True
        if self._unconfirmed or not self.ended:
            self._touch(self, True)

    @property
    def restarts(self) -> bool:
        """Whether the next entry replaces all entries before it, so that it may create the log."""
        return self._reset

    def take(self) -> list[RunLogEntry]:
        """Take the entries to append now. They are unconfirmed until `confirm`."""
        self._add_deltas()
        events, self._waiting = self._waiting, []
        if self._reset:
            pending: list[RunEvent] = [*self._unconfirmed, *events]
            if self._lost:
                pending = [*self._tools, *(event for event in pending if event not in self._tools)]
            kept = [event for event in pending if not isinstance(event, MessageDelta | MessageReset)]
            events = [MessageReset(text=self.text), *kept]
            self._reset = self._lost = False
        self._unconfirmed = events
        return [self._entry(event) for event in events]

    def confirm(self) -> None:
        self._unconfirmed = []

    def _add_deltas(self) -> None:
        if self._new_text:
            text = "".join(self._new_text)
            self._new_text.clear()
            start = self._length - len(text)
            pieces = ((at, text[at : at + LONGEST_DELTA]) for at in range(0, len(text), LONGEST_DELTA))
            self._waiting += [MessageDelta(text=piece, at=start + at) for at, piece in pieces]

    def _entry(self, event: RunEvent) -> RunLogEntry:
        self._seq += 1
        return to_entry(f"{self.attempt}-{self._seq}", event)
