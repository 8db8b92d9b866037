"""What is known of a call while it is settled: whether journal, counters and its row have it, and what it came to."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from basechat.llm.accounting.counters import Plan
from basechat.llm.accounting.money import to_units
from basechat.llm.usage.call import Call
from basechat.protocol import Caller


@dataclass(slots=True)
class Entry:
    """A call of this process until its row is committed and all counters have it."""

    call: Call
    counted: set[str] = field(default_factory=set)
    """The windows that are known to have it."""
    known: bool = True
    """Whether the journal has it."""
    ended: bool = False
    settled: bool = False
    committed: float | None = None
    """When its final row was known to be committed, on this machine's own clock."""
    confirmed: bool = False
    """Whether it was settled since: a window made later is made from that row."""
    release: tuple[str, bytes] | None = None
    """The flight that a withdrawn call gives up, and who would have led it."""


@dataclass(frozen=True, slots=True)
class Said:
    """A settlement on its way: the place of its reply, and whether the call's row was committed before."""

    entry: Entry
    plan: Plan
    at: int
    is_committed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a call came to, in units, for whom, and when it began."""

    id: UUID
    caller: Caller
    tokens: int
    cost: int
    began: datetime
    counted: Collection[str] | None = ()
    """The windows that had it; None where it stands in all that could have it."""
    age_ms: int = -1
    withdrawn: bool = False


def is_counted(entry: Entry, plan: Plan) -> bool:
    """Return whether all windows of a plan are known to have a call."""
    return all(counter.key in entry.counted for counter in plan.windows)


def settlement_of(entry: Entry) -> Settlement:
    """Return what a call of this process came to."""
    call = entry.call
    return Settlement(
        id=call.id,
        caller=call.caller,
        tokens=0 if call.cached else call.used_tokens,
        cost=to_units(call.cost),
        began=datetime.fromtimestamp(call.began_at, UTC),
        counted=entry.counted,
        age_ms=-1 if entry.committed is None else int((time.monotonic() - entry.committed) * 1000),
        withdrawn=call.status == "withdrawn",
    )
