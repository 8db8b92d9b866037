"""The audit log: each entry is written in the transaction of its action."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.kit.ids import new_id

_INSERT = text("""
    INSERT INTO audit_log (id, actor_id, action, subject, address) VALUES (:id, :actor_id, :action, :subject, :address)
""")


async def record(
    connection: AsyncConnection, action: str, *, actor_id: UUID | None = None, subject: str = "", address: str = ""
) -> None:
    await connection.execute(
        _INSERT, {"id": new_id(), "actor_id": actor_id, "action": action, "subject": subject, "address": address}
    )
