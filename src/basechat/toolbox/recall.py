"""The tool `recall`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy import text

from basechat.infra.db import Database
from basechat.kit.text import Line, composed
from basechat.toolbox.owner import current_caller, rows_of
from basechat.toolbox.words import patterns

_RECALL = text("""
    WITH found AS (
        SELECT n.id, n.content, n.created_at, count(*) OVER () AS total,
               (SELECT count(*) FROM unnest(CAST(:patterns AS text[])) AS p WHERE n.content ILIKE p) AS hits
        FROM notes n
        WHERE n.owner_id = :owner
          AND (cardinality(CAST(:patterns AS text[])) = 0 OR n.content ILIKE ANY (CAST(:patterns AS text[])))
    )
    SELECT * FROM found ORDER BY hits DESC, created_at DESC, id DESC LIMIT :limit
""")


class Note(BaseModel):
    """Something that was remembered."""

    id: UUID = Field(description="What `forget` takes.")
    content: str
    created_at: datetime


class Notes(BaseModel):
    """Notes that fit, the best first."""

    notes: list[Note]
    total: int = Field(description="How many fit, also those beyond the limit.")


class Recall:
    """Finds notes in the table `notes`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def recall(
        self,
        query: Annotated[
            Line,
            AfterValidator(composed),
            Field(max_length=200, description="Words to look for; nothing for the newest notes."),
        ] = "",
        limit: Annotated[int, Field(ge=1, le=50, description="How many notes to return at most.")] = 20,
    ) -> Notes:
        """Return what was remembered with `remember`: notes that hold any of the words, those with most words first.

        Without a query, the newest notes. A word also matches inside of longer words, in any case.
        """
        owner_id = current_caller().owner_id
        values = {"owner": owner_id, "patterns": patterns(query), "limit": limit}
        async with rows_of(owner_id, self.database) as connection:
            rows = (await connection.execute(_RECALL, values)).all()
        notes = [Note(id=row.id, content=row.content, created_at=row.created_at) for row in rows]
        return Notes(notes=notes, total=rows[0].total if rows else 0)
