"""Counters by the minute in redis-state, where those of all processes come together."""

from collections.abc import Collection, Iterable, Mapping

from basechat.infra.metrics.counters import Minute
from basechat.infra.redis import Redis, as_bytes

KEPT_SECONDS = 48 * 3600
MARK = "."
"""What the fields begin with that are no counters: see `flush`."""
_BATCH = 240  # hashes read at once, so that neither server nor event loop is held up for long


def minute_key(minute: Minute) -> str:
    """Return the key of the hash of one minute."""
    return f"metrics:{minute}"


async def read_minutes(state: Redis, minutes: Collection[Minute]) -> dict[Minute, Mapping[str, float]]:
    """Return what was counted in each of the minutes, where anything was; raises what a server does that is away."""
    wanted = list(minutes)
    found: dict[Minute, Mapping[str, float]] = {}
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        async with state.pipeline(transaction=False) as pipeline:
            for minute in batch:
                pipeline.hgetall(minute_key(minute))
            replies = await pipeline.execute()
        found |= {minute: _counters(reply) for minute, reply in zip(batch, replies, strict=True) if reply}
    return found


def total(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the sums of several times together."""
    sums: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            sums[name] = sums.get(name, 0.0) + value
    return sums


def _counters(reply: Mapping[bytes, bytes]) -> dict[str, float]:
    named = ((as_bytes(name).decode(), value) for name, value in reply.items())
    return {name: float(value) for name, value in named if not name.startswith(MARK)}
