"""Checkpoints of the workflow, one per run, written only by the attempt that owns the run.

The savers of LangGraph have no fence: a worker that was stopped beyond its lease and then continued overwrote the
checkpoint of its successor. Here each write is conditional on the attempt, and the rows are deleted with their run.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from sqlalchemy import Row, TextClause, text

from basechat.chat.runs.answer import LostRunError
from basechat.infra.db import Database, retry_transient
from basechat.kit import json

STEPS = "steps"
"""A channel of the workflow. It is empty until the first tool call; until then no checkpoint is stored."""

_PUT = text("""
    WITH mine AS (
        SELECT id FROM runs WHERE id = :run_id AND attempt = :attempt AND status = 'running' FOR SHARE
    ), old_writes AS (
        DELETE FROM agent.checkpoint_writes w USING mine WHERE w.run_id = mine.id AND w.checkpoint_id <> :checkpoint_id
    )
    INSERT INTO agent.checkpoints AS c (run_id, checkpoint_id, attempt, encoding, checkpoint, metadata)
    SELECT id, :checkpoint_id, :attempt, :encoding, :checkpoint, :metadata FROM mine
    ON CONFLICT (run_id) DO UPDATE
    SET checkpoint_id = excluded.checkpoint_id, attempt = excluded.attempt, encoding = excluded.encoding,
        checkpoint = excluded.checkpoint, metadata = excluded.metadata, updated_at = now()
    RETURNING run_id
""")

# A repeated task writes the same values. Only an interrupt or an error may be followed by other writes.
_PUT_WRITES = text("""
    WITH mine AS (
        SELECT c.run_id FROM runs r JOIN agent.checkpoints c ON c.run_id = r.id AND c.checkpoint_id = :checkpoint_id
        WHERE r.id = :run_id AND r.attempt = :attempt AND r.status = 'running' FOR SHARE OF r
    ), put AS (
        INSERT INTO agent.checkpoint_writes
            (run_id, checkpoint_id, task_id, task_path, position, channel, encoding, value)
        SELECT mine.run_id, :checkpoint_id, :task_id, :task_path, w.position, w.channel, w.encoding, w.value
        FROM mine, unnest(CAST(:positions AS integer[]), CAST(:channels AS text[]), CAST(:encodings AS text[]),
                          CAST(:values AS bytea[])) AS w (position, channel, encoding, value)
        ON CONFLICT (run_id, checkpoint_id, task_id, position) DO UPDATE
        SET channel = excluded.channel, encoding = excluded.encoding, value = excluded.value
    )
    SELECT run_id FROM mine
""")

_GET = text("""
    SELECT c.checkpoint_id, c.encoding, c.checkpoint, c.metadata,
           ARRAY(SELECT ROW(w.task_id, w.channel, w.encoding, w.value) FROM agent.checkpoint_writes w
                 WHERE w.run_id = c.run_id AND w.checkpoint_id = c.checkpoint_id
                 ORDER BY w.task_path, w.task_id, w.position) AS writes
    FROM agent.checkpoints c WHERE c.run_id = :run_id
""")


@dataclass(slots=True)
class CheckpointHandle:
    """The checkpoint of one attempt. `kept` is the id of the stored checkpoint, if any."""

    run_id: UUID
    attempt: int
    kept: str | None = None

    @property
    def config(self) -> RunnableConfig:
        return {"configurable": {"thread_id": str(self.run_id), "handle": self}}


class RunCheckpoints(BaseCheckpointSaver[int]):
    """Stores the latest checkpoint of each run."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        handle = _handle(config)
        if handle.attempt <= 1:
            return None
        row = await retry_transient(lambda: self._execute(_GET, {"run_id": handle.run_id}))
        if row is None:
            return None
        handle.kept = row.checkpoint_id
        return CheckpointTuple(
            config=_config(config, row.checkpoint_id),
            checkpoint=self.serde.loads_typed((row.encoding, row.checkpoint)),
            metadata=row.metadata,
            pending_writes=[
                (task_id, channel, self.serde.loads_typed((encoding, value)))
                for task_id, channel, encoding, value in row.writes
            ],
        )

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Replace the stored checkpoint. Raises `LostRunError` if a later attempt owns the run."""
        handle = _handle(config)
        if checkpoint["channel_values"].get(STEPS):
            encoding, encoded = self.serde.dumps_typed(checkpoint)
            values = {
                "run_id": handle.run_id,
                "attempt": handle.attempt,
                "checkpoint_id": checkpoint["id"],
                "encoding": encoding,
                "checkpoint": encoded,
                "metadata": json.dumps(metadata).decode(),
            }
            if await retry_transient(lambda: self._execute(_PUT, values)) is None:
                raise LostRunError
            handle.kept = checkpoint["id"]
        return _config(config, checkpoint["id"])

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        # Store the writes of a task, if the checkpoint of its step is stored.
        handle = _handle(config)
        if handle.kept is None or handle.kept != config["configurable"]["checkpoint_id"]:
            return
        typed = [self.serde.dumps_typed(value) for _, value in writes]
        values = {
            "run_id": handle.run_id,
            "attempt": handle.attempt,
            "checkpoint_id": handle.kept,
            "task_id": task_id,
            "task_path": task_path,
            "positions": [WRITES_IDX_MAP.get(channel, number) for number, (channel, _) in enumerate(writes)],
            "channels": [channel for channel, _ in writes],
            "encodings": [encoding for encoding, _ in typed],
            "values": [value for _, value in typed],
        }
        await retry_transient(lambda: self._execute(_PUT_WRITES, values))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        if config is not None and before is None and not filter and limit != 0:
            found = await self.aget_tuple(config)
            if found is not None:
                yield found

    async def _execute(self, statement: TextClause, values: dict[str, Any]) -> Row[Any] | None:
        async with self._database.autocommit() as connection:
            return (await connection.execute(statement, values)).one_or_none()


def _handle(config: RunnableConfig) -> CheckpointHandle:
    handle: CheckpointHandle = config["configurable"]["handle"]
    return handle


def _config(config: RunnableConfig, checkpoint_id: str) -> RunnableConfig:
    return {"configurable": {**config["configurable"], "checkpoint_ns": "", "checkpoint_id": checkpoint_id}}
