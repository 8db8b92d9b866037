"""What this process knows of redis-state: since when it remembers, which processes live, and that this one does."""

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from basechat.infra.redis import Redis, as_bytes
from basechat.infra.redis.circuit_breaker import CircuitBreaker, RedisUnavailableError
from basechat.kit.ids import new_id
from basechat.llm.accounting.scripts import BEAT, MEMORY, PROCESSES

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
DEAD_AFTER_MS = 10_000


def journal_key(process: str) -> str:
    """Return where a process keeps its open calls: a hash of rows by the call's id."""
    return f"usage:journal:{process}"


@dataclass(slots=True)
class Memory:
    """The state of redis-state at the last sign of life."""

    state: Redis
    breaker: CircuitBreaker
    scripts: Sequence[str] = ()
    """What calls wait for; a server that lost its memory is told them, before many calls find them missing."""
    process: str = field(default_factory=lambda: new_id().hex)
    began: int = 0
    """When its memory began, in ms; 0 while it was never heard."""
    now: int = 0
    living: int = 1
    """How many processes of the gateway share the limits."""
    dead: list[str] = field(default_factory=list)

    @property
    def journal(self) -> str:
        """Where this process keeps its open calls."""
        return journal_key(self.process)

    @property
    def age_ms(self) -> int:
        """How long it remembers."""
        return self.now - self.began

    async def beat(self) -> bool:
        """Renew the heartbeat; returns whether the server lost its memory since the last one.

        A server that started anew may have lost its last second: that counts as if all were lost.
        """
        told = await self.breaker.call(lambda: self.state.info("server"))
        script = self.state.register_script(BEAT)
        began, self.now, self.living, dead = await self.breaker.call(
            lambda: cast(
                "Awaitable[tuple[int, int, int, list[bytes]]]",
                script([MEMORY, PROCESSES], [told["run_id"], self.process, DEAD_AFTER_MS]),
            )
        )
        self.dead = [process.decode() for process in dead]
        lost = began != self.began
        if lost:
            for each in self.scripts:
                await self.breaker.call(partial(self.state.script_load, each))
        self.began = began
        return lost

    async def journals(self) -> list[str]:
        """Return where all processes keep their open calls."""
        return [journal_key(as_bytes(process).decode()) for process in await self.state.zrange(PROCESSES, 0, -1)]  # type: ignore[arg-type]

    async def leave(self) -> None:
        """Be no process any more that anybody waits for."""
        try:
            await self.breaker.call(lambda: self.state.zrem(PROCESSES, self.process))
        except RedisUnavailableError:
            log.warning("redis-state could not be told that this process ended")
