"""The tool `remember`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy import text

from basechat.infra.db import Database
from basechat.kit.ids import new_id
from basechat.kit.text import Line, composed
from basechat.toolbox.owner import current_caller, rows_of

NOTE_LENGTH = 2_000
NOTES = 500

# One at a time per person: only then can the same text twice not become two notes, nor the last place be given twice.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('notes:' || CAST(:owner AS text), 0))")
_ADD = text(f"""
    WITH same AS (
        SELECT id, created_at FROM notes WHERE owner_id = :owner AND content = :content ORDER BY id LIMIT 1
    ), added AS (
        INSERT INTO notes (id, owner_id, content) SELECT :id, :owner, :content
        WHERE NOT EXISTS (SELECT FROM same) AND (SELECT count(*) FROM notes WHERE owner_id = :owner) < {NOTES}
        RETURNING id, created_at
    )
    SELECT id, created_at, false AS is_new FROM same UNION ALL SELECT id, created_at, true FROM added
""")  # noqa: S608 - composed of the constant above


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
        content: Annotated[
            Line,
            AfterValidator(composed),
            Field(min_length=1, max_length=NOTE_LENGTH, description="One fact, in a sentence that stands on its own."),
        ],
    ) -> Remembered:
        """Remember something about the user, or for them, for all later chats.

        Use it for lasting facts and wishes (their name, what they work on, how they like answers), one fact per note.
        Not for passwords or other secrets. The same text twice stays one note.
        """
        owner_id = current_caller().owner_id
        async with rows_of(owner_id, self.database) as connection:
            await connection.execute(_LOCK, {"owner": str(owner_id)})
            values = {"id": new_id(), "owner": owner_id, "content": content}
            row = (await connection.execute(_ADD, values)).one_or_none()
        if row is None:
            raise ToolError(f"There are {NOTES} notes already, which is the most. Forget some of them first.")
        return Remembered(id=row.id, is_new=row.is_new, created_at=row.created_at)
