"""The tools `remember`, `recall` and `forget`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.infra.db import Database
from basechat.kit.text import Line, composed
from basechat.toolbox.access import current_caller
from basechat.toolbox.notes.store import NOTES, NoteText, add_note, delete_note, find_notes
from basechat.toolbox.receipts import caller_transaction, once


class RememberedNote(BaseModel):
    """A note that is kept for later chats."""

    id: UUID = Field(description="The argument of `forget`.")
    is_new: bool = Field(description="False if the same text was remembered before.")
    created_at: datetime


class FoundNote(BaseModel):
    """A note of the user."""

    id: UUID = Field(description="The argument of `forget`.")
    content: str
    created_at: datetime


class FoundNotes(BaseModel):
    """Notes that match, the best first."""

    notes: list[FoundNote]
    total: int = Field(description="The number of notes that match, also those beyond the limit.")


class ForgottenNote(BaseModel):
    """A deleted note."""

    id: UUID
    content: str = Field(description="The text of the deleted note.")


class NoteTools:
    """Tools on the notes of the caller."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def remember(
        self, content: Annotated[NoteText, Field(description="One fact, in a sentence that stands on its own.")]
    ) -> RememberedNote:
        """Remember something about the user, or for them, for all later chats.

        Use it for lasting facts and wishes (their name, what they work on, how they like answers), one fact per note.
        Not for passwords or other secrets. The same text twice stays one note.
        """

        async def add(connection: AsyncConnection) -> RememberedNote:
            row = await add_note(connection, current_caller().owner_id, content)
            if row is None:
                raise ToolError(f"There are {NOTES} notes already, which is the limit. Forget some of them first.")
            return RememberedNote(id=row.id, is_new=row.is_new, created_at=row.created_at)

        return await once(self.database, RememberedNote, add)

    async def recall(
        self,
        query: Annotated[
            Line,
            AfterValidator(composed),
            Field(max_length=200, description="Words to look for. Empty for the newest notes."),
        ] = "",
        limit: Annotated[int, Field(ge=1, le=50, description="The most notes to return.")] = 20,
    ) -> FoundNotes:
        """What was remembered with `remember`: notes that hold any of the words, those with most words first.

        Without a query, the newest notes. A word also matches inside of longer words, in any case.
        """
        async with caller_transaction(self.database) as connection:
            rows = await find_notes(connection, current_caller().owner_id, query, limit=limit)
        notes = [FoundNote(id=row.id, content=row.content, created_at=row.created_at) for row in rows]
        return FoundNotes(notes=notes, total=rows[0].total if rows else 0)

    async def forget(
        self, note_id: Annotated[UUID, Field(description="The `id` that `recall` or `remember` returned.")]
    ) -> ForgottenNote:
        """Forget one note for good. Find its id with `recall` first."""

        async def delete(connection: AsyncConnection) -> ForgottenNote:
            content = await delete_note(connection, current_caller().owner_id, note_id)
            if content is None:
                raise ToolError(f"There is no note {note_id}. `recall` lists the notes.")
            return ForgottenNote(id=note_id, content=content)

        return await once(self.database, ForgottenNote, delete)
