"""HTTP routes of chats: their pages of messages, feedback on answers, and the models to choose from."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, status
from sqlalchemy import Row

from basechat.chat import messages, sessions
from basechat.chat.schemas import Chat, ChatChange, Chats, Feedback, Messages, Model, Models, NewChat
from basechat.identity.access import ChatCaller
from basechat.infra.agent_client import caller_for
from basechat.infra.web.depends import ResourcesDep

router = APIRouter(tags=["chats"])
models_router = APIRouter(tags=["models"])

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("/sessions")
async def list_chats(caller: ChatCaller, resources: ResourcesDep, limit: Limit = 50, cursor: Cursor = None) -> Chats:
    """List the chats, newest activity first."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        rows, next_cursor = await sessions.list_chats(connection, caller.user_id, limit=limit, cursor=cursor)
    return Chats(items=[_chat(row) for row in rows], next_cursor=next_cursor)


@router.post("/sessions", status_code=status.HTTP_201_CREATED)
async def create_chat(caller: ChatCaller, resources: ResourcesDep, body: NewChat | None = None) -> Chat:
    """Create a chat."""
    values = (body or NewChat()).model_dump()
    async with resources.database.owner_transaction(caller.user_id) as connection:
        return _chat(await sessions.create_chat(connection, caller.user_id, values))


@router.get("/sessions/{session_id}")
async def get_chat(session_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> Chat:
    """Get a chat."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        return _chat(await sessions.get_chat(connection, caller.user_id, session_id))


@router.patch("/sessions/{session_id}")
async def change_chat(session_id: UUID, body: ChatChange, caller: ChatCaller, resources: ResourcesDep) -> Chat:
    """Change the title, model, pin, instructions or tools of a chat, or make the branch of a message the active one."""
    changes = body.model_dump(exclude_unset=True)
    message_id = changes.pop("active_leaf_id", None)
    async with resources.database.owner_transaction(caller.user_id) as connection:
        if message_id is not None:
            await sessions.show_branch(connection, caller.user_id, session_id, message_id)
        return _chat(await sessions.change_chat(connection, caller.user_id, session_id, changes))


@router.delete("/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_chat(session_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> None:
    """Delete a chat. It can be restored for ten minutes."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        await sessions.delete_chat(connection, caller.user_id, session_id)


@router.post("/sessions/{session_id}/restore")
async def restore_chat(session_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> Chat:
    """Restore a deleted chat."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        return _chat(await sessions.restore_chat(connection, caller.user_id, session_id))


@router.get("/sessions/{session_id}/messages")
async def list_messages(
    session_id: UUID,
    caller: ChatCaller,
    resources: ResourcesDep,
    before: UUID | None = None,
    limit: Limit = 50,
) -> Messages:
    """List a page of the active branch, starting with its newest messages."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        items, next_cursor = await messages.list_messages(
            connection, caller.user_id, session_id, before=before, limit=limit
        )
    return Messages.model_validate({"items": items, "next_cursor": next_cursor})


@router.put("/messages/{message_id}/feedback", status_code=status.HTTP_204_NO_CONTENT)
async def put_feedback(message_id: UUID, body: Feedback, caller: ChatCaller, resources: ResourcesDep) -> None:
    """Rate an answer. Without a rating, the feedback is removed. Messages show it as `meta_info.feedback`."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        await messages.rate_answer(connection, caller.user_id, message_id, body)


@models_router.get("/models")
async def list_models(caller: ChatCaller, resources: ResourcesDep) -> Models:
    """List the models that are available now."""
    listed = await resources.agent.list_models(caller_for(caller.user_id))
    return Models(items=[Model(id=model["id"], provider=model["owned_by"]) for model in listed])


def _chat(row: Row[Any]) -> Chat:
    return Chat.model_validate(dict(row._mapping))
