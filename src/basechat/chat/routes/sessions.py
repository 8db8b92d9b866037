"""HTTP routes of chats and their pages of messages."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, status
from sqlalchemy import Row

from basechat.chat import history, sessions
from basechat.chat.schemas import Chat, ChatChange, Chats, Messages, NewChat
from basechat.identity.access import ChatCaller
from basechat.infra.web.depends import ResourcesDep

router = APIRouter(prefix="/sessions", tags=["chats"])

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("")
async def list_chats(caller: ChatCaller, resources: ResourcesDep, limit: Limit = 50, cursor: Cursor = None) -> Chats:
    """List the chats, newest activity first."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        rows, next_cursor = await sessions.list_chats(connection, caller.user_id, limit=limit, cursor=cursor)
    return Chats(items=[_chat(row) for row in rows], next_cursor=next_cursor)


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_chat(caller: ChatCaller, resources: ResourcesDep, body: NewChat | None = None) -> Chat:
    """Begin a chat."""
    values = (body or NewChat()).model_dump()
    async with resources.database.owner_transaction(caller.user_id) as connection:
        row = await sessions.create_chat(connection, caller.user_id, values)
    return _chat(row)


@router.get("/{session_id}")
async def get_chat(session_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> Chat:
    """Return a chat."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        row = await sessions.get_chat(connection, caller.user_id, session_id)
    return _chat(row)


@router.patch("/{session_id}")
async def change_chat(session_id: UUID, body: ChatChange, caller: ChatCaller, resources: ResourcesDep) -> Chat:
    """Change a chat's title, model, pin or instructions, or show the branch that a message is on."""
    changes = body.model_dump(exclude_unset=True)
    shown = changes.pop("active_leaf_id", None)
    async with resources.database.owner_transaction(caller.user_id) as connection:
        if shown is not None:
            await sessions.show_branch(connection, caller.user_id, session_id, shown)
        row = await sessions.change_chat(connection, caller.user_id, session_id, changes)
    return _chat(row)


@router.delete("/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_chat(session_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> None:
    """Delete a chat; for ten minutes it can be restored."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        await sessions.delete_chat(connection, caller.user_id, session_id)


@router.post("/{session_id}/restore")
async def restore_chat(session_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> Chat:
    """Take the deletion of a chat back."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        row = await sessions.restore_chat(connection, caller.user_id, session_id)
    return _chat(row)


@router.get("/{session_id}/messages")
async def list_messages(
    session_id: UUID,
    caller: ChatCaller,
    resources: ResourcesDep,
    before: UUID | None = None,
    limit: Limit = 50,
) -> Messages:
    """Return a page of the active branch, from its newest end."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        items, next_cursor = await history.list_messages(
            connection, caller.user_id, session_id, before=before, limit=limit
        )
    return Messages.model_validate({"items": items, "next_cursor": next_cursor})


def _chat(row: Row[Any]) -> Chat:
    return Chat.model_validate(dict(row._mapping))
