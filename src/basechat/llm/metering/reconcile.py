"""Reconciliation: closes the rows of lost calls, and settles reservations in redis-state that were never settled.

Both are the work of any process at any time, because PostgreSQL has all that is needed.
"""

import logging
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from basechat.infra.db import Database
from basechat.infra.redis import REDIS_ERRORS, EncodableT, Redis, as_bytes
from basechat.llm.metering.limits import to_units
from basechat.llm.metering.settlement import SETTLE

log = logging.getLogger(__name__)

CLOSE_SECONDS = 5.0
"""How often rows without a sign of life are closed."""

SILENT_AFTER = "10 seconds"
"""A row without a sign of life for so long is closed. A living process writes it again every two seconds."""

UNRECORDED_SECONDS = 300.0
"""A reservation of this age without a row belongs to a process that died, or that can't reach PostgreSQL."""

_RECONCILE_MS = 60_000
_RESERVED_SECONDS = 30.0  # younger reservations have a process that settles them
_KEYS = 500
_COUNTERS = ("budget:*", "ratelimit:llm:*")
_SUMS = {b"tokens", b"cost", b"requests", b"at"}

_CLOSE = text(f"""
    WITH silent AS (
        SELECT id FROM usage
        WHERE status = 'started' AND created_at < now() - interval '{SILENT_AFTER}'
              AND created_at + coalesce(duration_ms, 0) * interval '1 millisecond' < now() - interval '{SILENT_AFTER}'
        ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
    UPDATE usage SET status = 'interrupted', estimated = true, settled_at = now() FROM silent WHERE usage.id = silent.id
    RETURNING usage.id
""")  # noqa: S608 - composed of constants
_FIND = text("""
    SELECT id, status, coalesce(CAST(prompt_tokens AS bigint), 0) + coalesce(completion_tokens, 0) AS tokens, cost
    FROM usage WHERE id = ANY(:ids)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Usage:
    """What settles a reservation. A call that only seemed lost may settle again."""

    tokens: int = 0
    cost: int = 0
    may_change: bool = False


class Reconciler:
    """Settles what its own process can't settle any more."""

    def __init__(self, state: Redis, database: Database) -> None:
        self._state = state
        self._database = database
        self._settle = state.register_script(SETTLE)

    async def close_rows(self) -> None:
        """Close the rows of processes that died. They keep the tokens and the cost of their last sign of life."""
        async with self._database.autocommit() as connection:
            closed = list(await connection.execute(_CLOSE))
        if closed:
            log.warning("%d calls were interrupted: their processes gave no sign of life", len(closed))

    async def reconcile(self, now: float | None = None) -> None:
        # Compare the reservations in all counters with the rows, once a minute among all processes.
        now = now or time.time()
        try:
            if not await self._state.set("usage:reconciling", 1, nx=True, px=_RECONCILE_MS):
                return
            for pattern in _COUNTERS:
                keys = [as_bytes(key).decode() async for key in self._state.scan_iter(pattern, count=_KEYS)]
                for at in range(0, len(keys), _KEYS):
                    await self._reconcile(keys[at : at + _KEYS], now)
        except REDIS_ERRORS as error:
            log.warning("reservations can't be compared with the rows: %s", error)

    async def settle_ended(self, key: str, call_ids: Collection[str]) -> None:
        # A call whose row is gone was withdrawn.
        usages = {call: _Usage() for call in call_ids} | await self._find(call_ids)
        await self._send([(key, call, usage) for call, usage in usages.items() if usage is not None])

    async def _reconcile(self, keys: Sequence[str], now: float) -> None:
        async with self._state.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hkeys(key)
            fields = await pipeline.execute()
        reserved = [
            (key, name.decode())
            for key, names in zip(keys, fields, strict=True)
            for name in names
            if name not in _SUMS and now - _began(name.decode()) > _RESERVED_SECONDS
        ]
        calls = {call for _, call in reserved}
        unrecorded = {call: _Usage(may_change=True) for call in calls if now - _began(call) > UNRECORDED_SECONDS}
        usages = unrecorded | await self._find(calls)
        await self._send([(key, call, usage) for key, call in reserved if (usage := usages.get(call)) is not None])

    async def _find(self, call_ids: Iterable[str]) -> dict[str, _Usage | None]:
        """The usage of the calls that have a row; None for calls in flight."""
        ids = [UUID(call) for call in call_ids]
        if not ids:
            return {}
        async with self._database.autocommit() as connection:
            rows = list(await connection.execute(_FIND, {"ids": ids}))
        return {str(row.id): None if row.status == "started" else _usage_of(row) for row in rows}

    async def _send(self, settlements: Sequence[tuple[str, str, _Usage]]) -> None:
        if not settlements:
            return
        async with self._state.pipeline(transaction=False) as pipeline:
            for key, call, usage in settlements:
                args: list[EncodableT] = [call, usage.tokens, usage.cost, 0, int(usage.may_change)]
                await self._settle(keys=[key], args=args, client=pipeline)
            await pipeline.execute()


def _usage_of(row: Row[Any]) -> _Usage:
    return _Usage(tokens=row.tokens, cost=to_units(row.cost), may_change=row.status == "interrupted")


def _began(call: str) -> float:
    """When a call began: its id is a UUIDv7, which begins with the time in milliseconds."""
    return int(call.replace("-", "")[:12], 16) / 1000
