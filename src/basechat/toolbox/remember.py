"""The tool `remember`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.infra.db import Database
from basechat.toolbox.notes.store import NOTES, NoteText, add_note
from basechat.toolbox.owner import current_caller
from basechat.toolbox.receipts import once


class Remembered(BaseModel):
    """A note that is kept from now on."""

    id: UUID = Field(description="What `forget` takes.")
    is_new: bool = Field(description="False if the same text was remembered before.")
    created_at: datetime


class Remember:
    """Keeps notes in the table `notes`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def remember(
        self,
        content: Annotated[NoteText, Field(description="One fact, in a sentence that stands on its own.")],
    ) -> Remembered:
        """Remember something about the user, or for them, for all later chats.

        Use it for lasting facts and wishes (their name, what they work on, how they like answers), one fact per note.
        Not for passwords or other secrets. The same text twice stays one note.
        """

        async def add(connection: AsyncConnection) -> Remembered:
            row = await add_note(connection, current_caller().owner_id, content)
            if row is None:
                raise ToolError(f"There are {NOTES} notes already, which is the most. Forget some of them first.")
            return Remembered(id=row.id, is_new=row.is_new, created_at=row.created_at)

        return await once(self.database, Remembered, add)
