"""The HTTP route of feedback on an answer."""

from uuid import UUID

from fastapi import APIRouter, status

from basechat.chat.feedback import give_feedback
from basechat.chat.schemas import Feedback
from basechat.identity.access import ChatCaller
from basechat.infra.web.depends import ResourcesDep

router = APIRouter(prefix="/messages", tags=["chats"])


@router.put("/{message_id}/feedback", status_code=status.HTTP_204_NO_CONTENT)
async def put_feedback(message_id: UUID, body: Feedback, caller: ChatCaller, resources: ResourcesDep) -> None:
    """Say what an answer is worth; without a rating, take it back. It shows as the message's `meta_info.feedback`."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        await give_feedback(connection, caller.user_id, message_id, body)
