"""Adding a job, in the transaction of what causes it."""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.kit import json
from basechat.kit.ids import new_id

_ADD = text("INSERT INTO jobs (id, owner_id, kind, payload) VALUES (:id, :owner_id, :kind, :payload)")


async def add_job(connection: AsyncConnection, kind: str, owner_id: UUID | None, payload: dict[str, Any]) -> UUID:
    """Add a job and return its id. After the commit `wake_jobs` lets it begin at once; without, it begins soon."""
    job_id = new_id()
    values = {"id": job_id, "owner_id": owner_id, "kind": kind, "payload": json.dumps(payload).decode()}
    await connection.execute(_ADD, values)
    return job_id
