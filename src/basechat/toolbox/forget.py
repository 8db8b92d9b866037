"""The tool `forget`."""

from typing import Annotated
from uuid import UUID

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.infra.db import Database
from basechat.toolbox.notes.store import delete_note
from basechat.toolbox.owner import current_caller
from basechat.toolbox.receipts import once


class Forgotten(BaseModel):
    """A note that is gone."""

    id: UUID
    content: str = Field(description="What it said.")


class Forget:
    """Deletes notes of the table `notes`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def forget(
        self, note_id: Annotated[UUID, Field(description="The `id` that `recall` or `remember` gave.")]
    ) -> Forgotten:
        """Forget one note for good. Find its id with `recall` first."""

        async def delete(connection: AsyncConnection) -> Forgotten:
            content = await delete_note(connection, current_caller().owner_id, note_id)
            if content is None:
                raise ToolError(f"There is no note {note_id}. `recall` shows the notes there are.")
            return Forgotten(id=note_id, content=content)

        return await once(self.database, Forgotten, delete)
