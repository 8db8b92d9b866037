"""The measured parties: the upstream itself, llm-agent, a bare relay, and LiteLLM's proxy if installed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.client import Connection
from bench.figures import Figure
from bench.lanes import CompletionLane
from bench.tally import Tally


@dataclass(frozen=True, slots=True)
class Party:
    """A server of OpenAI's API, and the headers that authenticate the client."""

    address: str
    headers: Mapping[str, str] = field(default_factory=dict)

    async def lanes(self, count: int) -> list[CompletionLane]:
        """Open connections."""
        return [CompletionLane(await Connection.open(self.address), self.headers) for _ in range(count)]


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """All parties, and the tally of their streams."""

    direct: Party
    ours: Party
    relay: Party
    litellm: Party | None
    tally: Tally = field(default_factory=Tally)

    @property
    def in_turn(self) -> list[Party]:
        """Whose answers are compared, in the order of their turns."""
        return [party for party in (self.direct, self.ours, self.litellm) if party is not None]


def compared(values: list[float], **what: object) -> Figure:
    """One figure from the values of the parties, in the order of their turns."""
    direct, ours, *litellm = values
    return Figure(direct=direct, ours=ours, beside=litellm[0] if litellm else None, **what)  # type: ignore[arg-type]
