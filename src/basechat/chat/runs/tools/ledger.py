"""The ledger of calls, in the table `tool_calls`: no call is made that was not committed before."""

from typing import Any

from sqlalchemy import Row, TextClause, text

from basechat.chat.runs.answer import LostRunError, Question
from basechat.chat.runs.tools.call import Permit, ToolCall, ToolResult
from basechat.infra.db import Database, retry_transient
from basechat.kit import json
from basechat.kit.ids import new_id

APPROVAL_HOURS = 24

# The run is locked, so that whoever takes it over waits until it is known whether this call begins.
# A call that was begun by an attempt before: whether it was made is not known. One that may be made again is, with the
# same id; any other is not, and stays `unknown` for good. Begun by this attempt: only the answer to it was lost. A call
# that was of no server when it was begun was not made. What was approved is asked for anew where another tool than that
# has its name now.
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
               CASE WHEN asks THEN 'proposed' ELSE 'started' END,
               CASE WHEN asks THEN now() + interval '{APPROVAL_HOURS} hours' END
        FROM mine JOIN chat_sessions c ON c.id = mine.session_id
        CROSS JOIN LATERAL (
            SELECT CAST(:approval_key AS text) IS NOT NULL
                   AND NOT c.approved_tools ? CAST(:approval_key AS text) AS asks
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

UNKNOWN = ToolResult(
    ok=False,
    text="tool.outcome_unknown: the call was interrupted, and whether it had its effect is not known. "
    "It was not made again. Find out before you repeat it, or tell the user.",
)


class CallLedger:
    """Keeps the calls of all runs of a worker."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, question: Question, call: ToolCall) -> Permit:
        """Write a call down before it is made, or return what has become of it."""
        values = {
            "id": new_id(),
            "run_id": question.run_id,
            "attempt": question.attempt,
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
        row = await retry_transient(lambda: self._execute(_BEGIN, values))
        if row is None:
            raise LostRunError
        return _permit(row)

    async def end(self, question: Question, call_id: str, result: ToolResult) -> None:
        """Write down what came of a call."""
        values = {
            "run_id": question.run_id,
            "attempt": question.attempt,
            "call_id": call_id,
            "status": "completed" if result.ok else "failed",
            "result": result_document(result),
        }
        if await retry_transient(lambda: self._execute(_END, values)) is None:
            raise LostRunError

    async def _execute(self, statement: TextClause, values: dict[str, Any]) -> Row[Any] | None:
        async with self._database.autocommit() as connection:
            return (await connection.execute(statement, values)).one_or_none()


def result_document(result: ToolResult) -> str:
    """Return a result as the column `result` holds it."""
    document = {"ok": result.ok, "text": result.text, "preview": result.preview, "cached": result.cached}
    return json.dumps(document).decode()


def _permit(row: Row[Any]) -> Permit:
    if row.status == "started":
        return Permit(verdict="make", arguments=row.arguments)
    if row.status == "proposed":
        return Permit(verdict="wait", arguments=row.arguments, expires_at=row.expires_at)
    if row.status == "unknown":
        return Permit(verdict="answered", arguments=row.arguments, result=UNKNOWN)
    said: dict[str, Any] = row.result
    result = ToolResult(ok=said["ok"], text=said["text"], cached=said["cached"])
    return Permit(verdict="answered", arguments=row.arguments, result=result)
