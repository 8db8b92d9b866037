"""What one attempt has to say: text gathered into deltas, other events in their place, and recovery of a lost log."""

from collections.abc import Callable
from uuid import UUID

from basechat.infra.events.entry import Entry, to_entry
from basechat.protocol import (
    LAST_EVENTS,
    ApprovalAsked,
    MessageDelta,
    MessageReset,
    RunEvent,
    ToolAnswered,
    ToolCalled,
)

LONGEST_DELTA = 4096  # code points; so that a viewer can take an answer in small pieces


class RunLog:
    """The part of a run's log that one attempt writes. Not bound to a connection: `LogWriter` sends it.

    Entries are consecutive in `seq`. When the log was lost, or it is not known what arrived, the next
    entry is `message.reset` with the whole text, and events that are not text are sent again after it; those of
    tools too that had arrived, for viewers who come later.
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
        self._fresh: list[str] = []
        self._waiting: list[RunEvent] = []
        self._unsure: list[RunEvent] = []
        self._tools: list[RunEvent] = []
        self._lost = False
        self._reset = attempt > 1

    @property
    def text(self) -> str:
        """The whole text so far."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    @property
    def length(self) -> int:
        """Code points written so far."""
        return self._length

    def write(self, text: str) -> None:
        """Add text to the message."""
        first = self._length == 0
        self._parts.append(text)
        self._fresh.append(text)
        self._length += len(text)
        self._touch(self, first)

    def reset(self, text: str = "") -> None:
        """Take back all text but this; viewers hear a `message.reset`."""
        self._parts, self._fresh, self._length = [text] if text else [], [], len(text)
        self._reset = True
        self._touch(self, True)

    def emit(self, event: RunEvent) -> None:
        """Add an event that is not text, after all text so far."""
        self._settle_text()
        self._waiting.append(event)
        if isinstance(event, ToolCalled | ApprovalAsked | ToolAnswered):
            self._tools.append(event)
        self.ended = event.event in LAST_EVENTS
        self._touch(self, True)

    def lose(self) -> None:
        """Note that the log was lost, or that it is not known what arrived of it."""
        self._reset = self._lost = True
        if self._unsure or not self.ended:
            self._touch(self, True)

    @property
    def restarts(self) -> bool:
        """Whether the next entry stands for everything before it, so that the log may be created by it."""
        return self._reset

    def take(self) -> list[Entry]:
        """Return the entries to append now; until `confirm` it is not known that they arrived."""
        self._settle_text()
        events, self._waiting = self._waiting, []
        if self._reset:
            said: list[RunEvent] = [*self._unsure, *events]
            if self._lost:
                said = [*self._tools, *(event for event in said if event not in self._tools)]
            kept = [event for event in said if not isinstance(event, MessageDelta | MessageReset)]
            events = [MessageReset(text=self.text), *kept]
            self._reset = self._lost = False
        self._unsure = events
        return [self._entry(event) for event in events]

    def confirm(self) -> None:
        """Note that what was taken last has arrived."""
        self._unsure = []

    def _settle_text(self) -> None:
        if self._fresh:
            text = "".join(self._fresh)
            self._fresh.clear()
            begin = self._length - len(text)
            pieces = ((at, text[at : at + LONGEST_DELTA]) for at in range(0, len(text), LONGEST_DELTA))
            self._waiting += [MessageDelta(text=piece, at=begin + at) for at, piece in pieces]

    def _entry(self, event: RunEvent) -> Entry:
        self._seq += 1
        return to_entry(f"{self.attempt}-{self._seq}", event)
