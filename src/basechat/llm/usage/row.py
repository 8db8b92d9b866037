"""A call as a row of `usage`: the JSON of its columns, which the journal keeps and the table takes."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.infra.db import Database
from basechat.kit import json
from basechat.llm.usage.call import Call

# A call is written when it has begun and again when it has ended, or once if that was soon. The id is made with the
# call, so a batch that is sent again, because nobody knows whether it arrived, changes nothing. People, tokens and runs
# may be gone by now. What a sweeper closed while the call was still going on is told by the call itself in the end.
# The times are those of the gateway's clock, by which the day and the month are found that a call counts for.
_WRITE = text("""
    INSERT INTO usage (id, owner_id, token_id, run_id, attempt, kind, provider, model, status, prompt_tokens,
                       cached_prompt_tokens, completion_tokens, estimated, cached, cost, reserved_tokens,
                       reserved_cost, first_token_ms, duration_ms, created_at, settled_at)
    SELECT c.id, u.id, t.id, r.id, c.attempt, c.kind, c.provider, c.model, c.status, c.prompt_tokens,
           c.cached_prompt_tokens, c.completion_tokens, c.estimated, c.cached, c.cost, c.reserved_tokens,
           c.reserved_cost, c.first_token_ms, c.duration_ms, to_timestamp(c.began_at),
           CASE WHEN c.status <> 'started' THEN now() END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS c (
        id uuid, owner_id uuid, token_id uuid, run_id uuid, attempt integer, kind text, provider text, model text,
        status text, prompt_tokens integer, cached_prompt_tokens integer, completion_tokens integer,
        estimated boolean, cached boolean, cost numeric, reserved_tokens integer, reserved_cost numeric,
        first_token_ms integer, duration_ms integer, began_at float8)
    LEFT JOIN users u ON u.id = c.owner_id LEFT JOIN api_tokens t ON t.id = c.token_id
    LEFT JOIN runs r ON r.id = c.run_id
    ON CONFLICT (id) DO UPDATE
    SET status = excluded.status, provider = excluded.provider, model = excluded.model,
        prompt_tokens = excluded.prompt_tokens, cached_prompt_tokens = excluded.cached_prompt_tokens,
        completion_tokens = excluded.completion_tokens, estimated = excluded.estimated, cost = excluded.cost,
        first_token_ms = excluded.first_token_ms, duration_ms = excluded.duration_ms,
        settled_at = excluded.settled_at
    WHERE usage.status IN ('started', 'interrupted') AND excluded.status <> 'started'
""")


def row_of(call: Call) -> bytes:
    """Return the row of a call as it is now. One that goes on has the estimate of its prompt, and of its cost."""
    is_open = call.status == "started"
    caller = call.caller
    return json.dumps(
        {
            "id": call.id,
            "owner_id": caller.owner_id,
            "token_id": caller.token_id,
            "run_id": caller.run_id,
            "attempt": caller.attempt if caller.run_id else None,
            "kind": call.kind,
            "provider": call.provider,
            "model": call.model,
            "status": call.status,
            "prompt_tokens": call.prompt_estimate if is_open else call.prompt_tokens,
            "cached_prompt_tokens": call.cached_prompt_tokens,
            "completion_tokens": call.completion_tokens,
            "estimated": is_open or call.estimated,
            "cached": call.cached,
            "cost": _plain(call.cost),
            "reserved_tokens": call.reserved_tokens,
            "reserved_cost": _plain(call.reserved_cost),
            "prompt_cost": _plain(call.prompt_cost) if is_open else None,
            "first_token_ms": call.first_token_ms,
            "duration_ms": call.duration_ms,
            "began_at": call.began_at,
        }
    )


async def write_rows(database: Database, rows: Iterable[bytes]) -> None:
    """Write rows in one statement; those that end calls win over those that begin them."""
    batch = list(rows)
    async with database.autocommit() as connection:
        try:
            await insert_rows(connection, batch)
        except IntegrityError:  # an owner or a run went at this very moment; now the statement sees it
            await insert_rows(connection, batch)


async def insert_rows(connection: AsyncConnection, rows: Iterable[bytes]) -> None:
    """Write rows on a connection of the caller's."""
    await connection.execute(_WRITE, {"rows": (b"[" + b",".join(rows) + b"]").decode()})


def _plain(money: object) -> str | None:
    return None if money is None else format(money, "f")
