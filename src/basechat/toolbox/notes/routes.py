"""HTTP routes of the notes that the assistant keeps for a person."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel
from sqlalchemy import Row

from basechat.identity.access import ChatCaller
from basechat.infra.web.depends import ResourcesDep
from basechat.kit.errors import ConflictError, NotFoundError
from basechat.kit.text import RequestModel
from basechat.toolbox.notes import store

router = APIRouter(prefix="/notes", tags=["notes"])


class NoteBody(RequestModel):
    """The text of a note: one fact, in a sentence that stands on its own."""

    content: store.NoteText


class NoteOut(BaseModel):
    """A note."""

    id: UUID
    content: str
    created_at: datetime
    updated_at: datetime


class NotePage(BaseModel):
    """A page of notes, newest first."""

    items: list[NoteOut]
    next_cursor: UUID | None


@router.get("")
async def list_notes(
    caller: ChatCaller,
    resources: ResourcesDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: UUID | None = None,
) -> NotePage:
    """List the notes of the assistant, newest first."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        rows, next_cursor = await store.list_notes(connection, caller.user_id, limit=limit, before=cursor)
    return NotePage(items=[_note(row) for row in rows], next_cursor=next_cursor)


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_note(body: NoteBody, caller: ChatCaller, resources: ResourcesDep, response: Response) -> NoteOut:
    """Add a note. If a note with the same text exists, it is returned with status 200."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        row = await store.add_note(connection, caller.user_id, body.content)
    if row is None:
        raise ConflictError(f"There are {store.NOTES} notes already, which is the limit.", code="note.too_many")
    if not row.is_new:
        response.status_code = status.HTTP_200_OK
    return _note(row)


@router.patch("/{note_id}")
async def change_note(note_id: UUID, body: NoteBody, caller: ChatCaller, resources: ResourcesDep) -> NoteOut:
    """Change the text of a note."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        if await store.is_noted(connection, caller.user_id, body.content, besides=note_id):
            raise ConflictError("Another note has the same text.", code="note.exists")
        row = await store.update_note(connection, caller.user_id, note_id, body.content)
    if row is None:
        raise _not_found()
    return _note(row)


@router.delete("/{note_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_note(note_id: UUID, caller: ChatCaller, resources: ResourcesDep) -> None:
    """Delete a note."""
    async with resources.database.owner_transaction(caller.user_id) as connection:
        content = await store.delete_note(connection, caller.user_id, note_id)
    if content is None:
        raise _not_found()


def _not_found() -> NotFoundError:
    return NotFoundError("This note does not exist.", code="note.not_found")


def _note(row: Row[Any]) -> NoteOut:
    return NoteOut.model_validate(dict(row._mapping))
