"""Writing the rows of calls whose process died: what the journal knows of each, else an estimate."""

import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from basechat.infra.db import Database
from basechat.infra.redis import Redis
from basechat.kit import json
from basechat.llm.accounting.ledger import Ledger, relayed_field
from basechat.llm.accounting.memory import journal_key
from basechat.llm.accounting.money import to_units
from basechat.llm.accounting.scripts import PROCESSES
from basechat.llm.accounting.settlement import Settlement
from basechat.llm.usage.row import write_rows
from basechat.protocol import Caller

log = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0
_LOCK_MS = 30_000
_BATCH = 500


class Sweeper:
    """Takes over the journals of dead processes. Doing it twice, or by two, comes to the same."""

    def __init__(self, state: Redis, database: Database, ledger: Ledger) -> None:
        self._state = state
        self._database = database
        self._ledger = ledger

    async def sweep(self) -> None:
        """Close the calls of all processes that gave no sign of life for long."""
        for process in list(self._ledger.memory.dead):
            if await self._state.set(f"usage:sweeping:{process}", 1, nx=True, px=_LOCK_MS):
                await self._take_over(process)

    async def _take_over(self, process: str) -> None:
        """Write the rows, then settle, then forget: whoever dies in between is followed by another."""
        key = journal_key(process)
        found = cast("dict[bytes, bytes]", await self._state.hgetall(key))
        journal = {name.decode(): said for name, said in found.items()}
        entries = [_ended(json.loads(said), journal) for name, said in journal.items() if ":" not in name]
        for at in range(0, len(entries), _BATCH):
            part = entries[at : at + _BATCH]
            await write_rows(self._database, map(json.dumps, part))
            await self._ledger.settle([_settlement(entry) for entry in part if not entry["cached"]])
            ids = [entry["id"] for entry in part]
            await self._state.hdel(key, *ids, *map(relayed_field, ids))
        await self._state.zrem(PROCESSES, process)
        await self._state.delete(key, f"usage:sweeping:{process}")
        if entries:
            log.warning("%d calls of providers were closed whose process died", len(entries))


def _ended(entry: dict[str, Any], journal: dict[str, bytes]) -> dict[str, Any]:
    """Return the final row of an entry; one that went on has the estimate of its prompt and what was relayed."""
    if entry["status"] != "started":
        return entry
    relayed = int(journal.get(relayed_field(entry["id"]), 0))
    return {
        **entry,
        "status": "interrupted",
        "completion_tokens": relayed,
        "cost": _cost(entry, relayed),
        "estimated": True,
    }


def _cost(entry: dict[str, Any], relayed: int) -> str | None:
    """Return what an interrupted call cost by its prices, which its entry has for one token more or less."""
    if entry["prompt_cost"] is None:
        return None
    each = (Decimal(entry["reserved_cost"]) - Decimal(entry["prompt_cost"])) / max(
        entry["reserved_tokens"] - entry["prompt_tokens"], 1
    )
    return format(Decimal(entry["prompt_cost"]) + each * relayed, ".8f")


def _settlement(entry: dict[str, Any]) -> Settlement:
    token = entry["token_id"]
    return Settlement(
        id=UUID(entry["id"]),
        caller=Caller(
            owner_id=UUID(entry["owner_id"]), run_id=None, attempt=0, token_id=UUID(token) if token else None
        ),
        tokens=(entry["prompt_tokens"] or 0) + (entry["completion_tokens"] or 0),
        cost=to_units(Decimal(entry["cost"] or 0)),
        began=datetime.fromtimestamp(entry["began_at"], UTC),
        counted=None,
    )
