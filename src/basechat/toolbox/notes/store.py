"""The table of notes. Functions take a transaction on the rows of the owner."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.kit.ids import new_id
from basechat.kit.text import Line, composed

NOTE_LENGTH = 2_000
NOTES = 500

NoteText = Annotated[Line, AfterValidator(composed), Field(min_length=1, max_length=NOTE_LENGTH)]

# One at a time per person: only then can the same text twice not become two notes, nor the last place be given twice.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('notes:' || CAST(:owner AS text), 0))")
_ADD = text(f"""
    WITH same AS (
        SELECT * FROM notes WHERE owner_id = :owner AND content = :content ORDER BY id LIMIT 1
    ), added AS (
        INSERT INTO notes (id, owner_id, content) SELECT :id, :owner, :content
        WHERE NOT EXISTS (SELECT FROM same) AND (SELECT count(*) FROM notes WHERE owner_id = :owner) < {NOTES}
        RETURNING *
    )
    SELECT *, false AS is_new FROM same UNION ALL SELECT *, true FROM added
""")  # noqa: S608 - composed of the constant above
_LIST = text("""
    SELECT id, content, created_at, updated_at FROM notes
    WHERE owner_id = :owner AND (CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid))
    ORDER BY id DESC LIMIT :limit
""")
_CHANGE = text("""
    UPDATE notes SET content = :content, updated_at = now() WHERE id = :id AND owner_id = :owner RETURNING *
""")
_IS_THERE = text("SELECT EXISTS (SELECT FROM notes WHERE owner_id = :owner AND content = :content AND id <> :id)")
_DELETE = text("DELETE FROM notes WHERE id = :id AND owner_id = :owner RETURNING content")


async def list_notes(
    connection: AsyncConnection, owner_id: UUID, *, limit: int, before: UUID | None
) -> tuple[list[Row[Any]], UUID | None]:
    """Return a page of notes, newest first, and what the next page is before."""
    values = {"owner": owner_id, "before": before, "limit": limit + 1}
    rows = (await connection.execute(_LIST, values)).all()
    page = list(rows[:limit])
    return page, page[-1].id if len(rows) > limit else None


async def add_note(connection: AsyncConnection, owner_id: UUID, content: str) -> Row[Any] | None:
    """Keep a note, or find the one that says the same (`is_new` is False); None where there is no place left."""
    await connection.execute(_LOCK, {"owner": str(owner_id)})
    values = {"id": new_id(), "owner": owner_id, "content": content}
    return (await connection.execute(_ADD, values)).one_or_none()


async def is_noted(connection: AsyncConnection, owner_id: UUID, content: str, *, besides: UUID) -> bool:
    """Return whether another note says this already; nothing is added until the transaction ends."""
    await connection.execute(_LOCK, {"owner": str(owner_id)})
    found = await connection.execute(_IS_THERE, {"owner": owner_id, "content": content, "id": besides})
    return bool(found.scalar_one())


async def change_note(connection: AsyncConnection, owner_id: UUID, note_id: UUID, content: str) -> Row[Any] | None:
    """Change what a note says; None where there is no such note."""
    values = {"id": note_id, "owner": owner_id, "content": content}
    return (await connection.execute(_CHANGE, values)).one_or_none()


async def delete_note(connection: AsyncConnection, owner_id: UUID, note_id: UUID) -> str | None:
    """Delete a note and return what it said; None where there is no such note."""
    found = await connection.execute(_DELETE, {"id": note_id, "owner": owner_id})
    content: str | None = found.scalar_one_or_none()
    return content
