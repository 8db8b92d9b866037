"""The tool `forget`."""

from typing import Annotated
from uuid import UUID

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field
from sqlalchemy import text

from basechat.infra.db import Database
from basechat.toolbox.owner import current_caller, rows_of

_FORGET = text("DELETE FROM notes WHERE id = :id AND owner_id = :owner RETURNING content")


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
        owner_id = current_caller().owner_id
        async with rows_of(owner_id, self.database) as connection:
            found = await connection.execute(_FORGET, {"id": note_id, "owner": owner_id})
            content: str | None = found.scalar_one_or_none()
        if content is None:
            raise ToolError(f"There is no note {note_id}. `recall` shows the notes there are.")
        return Forgotten(id=note_id, content=content)
