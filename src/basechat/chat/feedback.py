"""Feedback on answers, kept with the message."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.schemas import Feedback
from basechat.kit import json
from basechat.kit.errors import NotFoundError

# An answer that is still being made is not rated yet: its end would write over it.
_RATE = text("""
    UPDATE messages m
    SET meta_info = CASE WHEN CAST(:feedback AS jsonb) IS NULL THEN m.meta_info - 'feedback'
                         ELSE m.meta_info || jsonb_build_object('feedback', CAST(:feedback AS jsonb)) END
    FROM runs r
    WHERE m.id = :message_id AND m.owner_id = :owner_id AND m.role = 'assistant'
    AND r.message_id = m.id AND r.status IN ('completed', 'cancelled', 'failed') RETURNING m.id
""")


async def give_feedback(connection: AsyncConnection, owner_id: UUID, message_id: UUID, feedback: Feedback) -> None:
    """Store or take back the feedback on a finished answer; raises `NotFoundError` where there is none."""
    said = None if feedback.rating is None else json.dumps(feedback.model_dump(exclude_none=True)).decode()
    values = {"message_id": message_id, "owner_id": owner_id, "feedback": said}
    if await connection.scalar(_RATE, values) is None:
        raise NotFoundError("There is no such finished answer.", code="message.not_found")
