"""Admitting calls: one script on redis-state decides everything that must be decided at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from redis.asyncio import Redis

from basechat.infra.patience import AwayError, Patience
from basechat.llm.providers.provider import Kind
from basechat.llm.providers.route import Route
from basechat.llm.usage.book import UsageBook
from basechat.llm.usage.call import Call
from basechat.protocol import Caller

# KEYS[1] the flight's key; ARGV[1] who would lead it, ARGV[2] for how many ms. Returns who leads it already.
_ADMIT = """
local leader = redis.call('GET', KEYS[1])
if leader then return leader end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who wants to lead which flight, and for how long at first."""

    key: str
    leader: bytes
    lease_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A call that wants to be made: by whom, of what, about how large, and which flight it would lead."""

    caller: Caller
    route: Route
    kind: Kind = "chat"
    prompt_tokens: int = 0
    completion_tokens: int | None = None
    claim: Claim | None = None


@dataclass(slots=True, kw_only=True)
class Admission:
    """A call that may be made, or that has a leader already, to be followed."""

    call: Call | None = None
    leader: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def withdraw(self) -> None:
        """Undo it in the background: the call is not made after all."""
        if self.call is not None:
            self.call.end("cancelled")


class Accounts:
    """Admits calls."""

    def __init__(self, state: Redis, book: UsageBook) -> None:
        self._admit = state.register_script(_ADMIT)
        self._patience = Patience("redis-state")
        self._book = book

    async def admit(self, ask: Ask) -> Admission:
        """Let a call be made, unless its flight has a leader already; raises `GatewayError`."""
        claim = ask.claim
        if claim is not None:
            try:
                leader = await self._patience.ask(lambda: self._admit([claim.key], [claim.leader, claim.lease_ms]))
            except AwayError:
                leader = None
            if leader is not None:
                return Admission(leader=leader)
        call = self._book.begin(ask.caller, provider=ask.route.provider.name, model=ask.route.model)
        return Admission(call=call)
