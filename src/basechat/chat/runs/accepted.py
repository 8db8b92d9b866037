"""What was accepted: a run with the message that asks and the one that will answer."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.chat.documents import Document
from basechat.chat.history import get_messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An accepted message, now or by an earlier call with the same idempotency key.

    `is_ready`: a worker may be woken for it, nothing has to end before.
    """

    run: Document
    user_message: Document
    assistant_message: Document
    is_new: bool
    is_ready: bool


async def stored(connection: AsyncConnection, question_id: UUID, answer_id: UUID, *, is_new: bool) -> Accepted:
    """Read what was accepted."""
    messages = await get_messages(connection, [question_id, answer_id])
    answer = messages[answer_id]
    return Accepted(
        run=answer["run"],
        user_message=messages[question_id],
        assistant_message=answer,
        is_new=is_new,
        is_ready=is_new,
    )
