"""The tool ledger, the table `tool_calls`: the row of a call is committed before the call is made."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, TextClause, text

from basechat.chat.runs.answer import LostRunError, RunRequest
from basechat.infra.db import Database, retry_transient
from basechat.infra.mcp.tools import ToolResult
from basechat.kit import json
from basechat.kit.ids import new_id

APPROVAL_HOURS = 24
SHOWN_LENGTH = 8_000  # characters of a call's arguments, as JSON, in events and in the stored answer
_CUT = "…"

# The run is locked, so that a takeover waits until this statement has recorded the call or not.
# A call that an earlier attempt started may or may not have been made. A repeatable call is made again with the same
# id. Any other call stays `unknown` for good. If this attempt started the call, only the reply to this statement was
# lost. A call without a server was never sent. An approval is requested again if the name of the approved tool now
# belongs to another tool.
_BEGIN = text(f"""
    WITH mine AS (
        SELECT id, owner_id, session_id FROM runs
        WHERE id = :run_id AND attempt = :attempt AND status = 'running' FOR SHARE
    ), found AS (
        SELECT t.* FROM tool_calls t JOIN mine ON t.run_id = mine.id WHERE t.call_id = :call_id
    ), created AS (
        INSERT INTO tool_calls (id, run_id, owner_id, call_id, name, title, server, arguments, step, text_at, attempt,
                                input_schema, approval_key, status, expires_at)
        SELECT :id, mine.id, mine.owner_id, :call_id, :name, :title, :server, :arguments, :step, :text_at, :attempt,
               :input_schema, CAST(:approval_key AS text),
               CASE WHEN needs_approval THEN 'proposed' ELSE 'started' END,
               CASE WHEN needs_approval THEN now() + interval '{APPROVAL_HOURS} hours' END
        FROM mine JOIN chat_sessions c ON c.id = mine.session_id
        CROSS JOIN LATERAL (
            SELECT CAST(:approval_key AS text) IS NOT NULL
                   AND NOT c.approved_tools ? CAST(:approval_key AS text) AS needs_approval
        ) a
        WHERE NOT EXISTS (SELECT FROM found)
        RETURNING status, arguments, result, expires_at
    ), another AS (
        UPDATE tool_calls t SET status = 'proposed', attempt = :attempt, server = :server, title = :title,
               input_schema = :input_schema, approval_key = CAST(:approval_key AS text),
               expires_at = now() + interval '{APPROVAL_HOURS} hours'
        FROM found
        WHERE t.id = found.id AND found.status = 'approved' AND found.approval_key <> CAST(:approval_key AS text)
        RETURNING t.status, t.arguments, t.result, t.expires_at
    ), taken AS (
        UPDATE tool_calls t SET attempt = :attempt,
               status = CASE WHEN found.status = 'approved' OR found.attempt = :attempt OR found.server = ''
                                  OR :is_repeatable
                        THEN 'started' ELSE 'unknown' END
        FROM found
        WHERE t.id = found.id AND found.status IN ('approved', 'started') AND NOT EXISTS (SELECT FROM another)
        RETURNING t.status, t.arguments, t.result, t.expires_at
    )
    SELECT * FROM created UNION ALL SELECT * FROM another UNION ALL SELECT * FROM taken UNION ALL
    SELECT status, arguments, result, expires_at FROM found WHERE status NOT IN ('approved', 'started')
""")  # noqa: S608 - composed of the constant above

_END = text("""
    UPDATE tool_calls t SET status = :status, result = :result, finished_at = now()
    FROM runs r
    WHERE t.run_id = :run_id AND t.call_id = :call_id AND t.attempt = :attempt AND t.status IN ('started', :status)
    AND r.id = t.run_id AND r.attempt = :attempt AND r.status = 'running'
    RETURNING t.id
""")

# The calls of the run `r`, for the message of an answer that has ended.
CALLS = f"""
    coalesce((
        SELECT jsonb_build_object('tool_calls', jsonb_agg(jsonb_build_object(
            'call_id', t.call_id, 'name', t.name, 'title', t.title, 'server', t.server,
            'arguments', CASE WHEN length(CAST(t.arguments AS text)) <= {SHOWN_LENGTH} THEN t.arguments
                         ELSE jsonb_build_object('{_CUT}', left(CAST(t.arguments AS text), {SHOWN_LENGTH})) END,
            'status', t.status, 'ok', coalesce(t.result -> 'ok', 'false'),
            'preview', coalesce(t.result ->> 'preview', ''), 'cached', coalesce(t.result -> 'cached', 'false'),
            'at', t.text_at
        ) ORDER BY t.id))
        FROM tool_calls t WHERE t.run_id = r.id HAVING count(*) > 0
    ), '{{}}')
"""  # noqa: S608 - composed of constants
# The names of the tools that the run `r` called, each once.
TOOLS_USED = """
    coalesce((
        SELECT jsonb_agg(DISTINCT t.name) FROM tool_calls t
        WHERE t.run_id = r.id AND t.status IN ('completed', 'failed', 'unknown')
    ), '[]')
"""

UNKNOWN = ToolResult(
    ok=False,
    text="tool.outcome_unknown: the call was interrupted, and whether it had its effect is not known. "
    "It was not made again. Find out before you repeat it, or tell the user.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that the model requests.

    `step` is the number of the model's turn, and `text_at` the length of the answer then, in code points.

    A call with an `approval_key` needs approval; "always in this chat" is remembered under the key.
    An `is_repeatable` call may be made again if its outcome is unknown.
    """

    call_id: str
    name: str
    title: str
    server: str
    arguments: dict[str, Any]
    step: int
    text_at: int
    input_schema: dict[str, Any]
    approval_key: str | None
    is_repeatable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDecision:
    """The next step of a call.

    `make`: make the call with these arguments, which a person may have changed. `wait`: wait for approval until
    `expires_at`. `answered`: `result` is known, for example a denial.
    """

    verdict: Literal["make", "wait", "answered"]
    arguments: dict[str, Any]
    result: ToolResult | None = None
    expires_at: datetime | None = None


class ToolLedger:
    """Writes the calls of all runs of a worker. Raises `LostRunError` if the run belongs to a later attempt."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, request: RunRequest, call: ToolCall) -> CallDecision:
        # Commit a call before it is made. A call that has a row already continues from it.
        values = {
            "id": new_id(),
            "run_id": request.run_id,
            "attempt": request.attempt,
            "call_id": call.call_id,
            "name": call.name,
            "title": call.title,
            "server": call.server,
            "arguments": json.dumps(call.arguments).decode(),
            "step": call.step,
            "text_at": call.text_at,
            "input_schema": json.dumps(call.input_schema).decode() if call.approval_key else None,
            "approval_key": call.approval_key,
            "is_repeatable": call.is_repeatable,
        }
        return _decision(await self._execute(_BEGIN, values))

    async def end(self, request: RunRequest, call_id: str, result: ToolResult) -> None:
        values = {
            "run_id": request.run_id,
            "attempt": request.attempt,
            "call_id": call_id,
            "status": "completed" if result.ok else "failed",
            "result": result_document(result),
        }
        await self._execute(_END, values)

    async def _execute(self, statement: TextClause, values: dict[str, Any]) -> Row[Any]:
        async def execute() -> Row[Any] | None:
            async with self._database.autocommit() as connection:
                return (await connection.execute(statement, values)).one_or_none()

        row = await retry_transient(execute)
        if row is None:
            raise LostRunError
        return row


def result_document(result: ToolResult) -> str:
    document = {"ok": result.ok, "text": result.text, "preview": result.preview, "cached": result.cached}
    return json.dumps(document).decode()


def shorten_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    encoded = json.dumps(arguments).decode()
    return arguments if len(encoded) <= SHOWN_LENGTH else {_CUT: encoded[:SHOWN_LENGTH]}


def _decision(row: Row[Any]) -> CallDecision:
    if row.status == "started":
        return CallDecision(verdict="make", arguments=row.arguments)
    if row.status == "proposed":
        return CallDecision(verdict="wait", arguments=row.arguments, expires_at=row.expires_at)
    if row.status == "unknown":
        return CallDecision(verdict="answered", arguments=row.arguments, result=UNKNOWN)
    stored: dict[str, Any] = row.result
    result = ToolResult(ok=stored["ok"], text=stored["text"], cached=stored["cached"])
    return CallDecision(verdict="answered", arguments=row.arguments, result=result)
