"""The audit log: what was done, by whom, from where; in the transaction that does it."""

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
    """Write one entry."""
    await connection.execute(
        _INSERT, {"id": new_id(), "actor_id": actor_id, "action": action, "subject": subject, "address": address}
    )
