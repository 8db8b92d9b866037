"""The table `notes`. Each function takes a transaction on the rows of the owner."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.kit.ids import new_id
from basechat.kit.text import Line, composed, like_patterns

NOTE_LENGTH = 2_000
NOTES = 500

NoteText = Annotated[Line, AfterValidator(composed), Field(min_length=1, max_length=NOTE_LENGTH)]

# One writer per person at a time: else the same text could become two notes, or the last place be given twice.
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
_FIND = text("""
    WITH found AS (
        SELECT n.id, n.content, n.created_at, count(*) OVER () AS total,
               (SELECT count(*) FROM unnest(CAST(:patterns AS text[])) AS p WHERE n.content ILIKE p) AS hits
        FROM notes n
        WHERE n.owner_id = :owner
          AND (cardinality(CAST(:patterns AS text[])) = 0 OR n.content ILIKE ANY (CAST(:patterns AS text[])))
    )
    SELECT * FROM found ORDER BY hits DESC, created_at DESC, id DESC LIMIT :limit
""")
_LIST = text("""
    SELECT id, content, created_at, updated_at FROM notes
    WHERE owner_id = :owner AND (CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid))
    ORDER BY id DESC LIMIT :limit
""")
_UPDATE = text("""
    UPDATE notes SET content = :content, updated_at = now() WHERE id = :id AND owner_id = :owner RETURNING *
""")
_EXISTS = text("SELECT EXISTS (SELECT FROM notes WHERE owner_id = :owner AND content = :content AND id <> :id)")
_DELETE = text("DELETE FROM notes WHERE id = :id AND owner_id = :owner RETURNING content")


async def list_notes(
    connection: AsyncConnection, owner_id: UUID, *, limit: int, before: UUID | None
) -> tuple[list[Row[Any]], UUID | None]:
    # A page of notes, newest first, and the cursor of the next page.
    values = {"owner": owner_id, "before": before, "limit": limit + 1}
    rows = (await connection.execute(_LIST, values)).all()
    page = list(rows[:limit])
    return page, page[-1].id if len(rows) > limit else None


async def find_notes(connection: AsyncConnection, owner_id: UUID, query: str, *, limit: int) -> Sequence[Row[Any]]:
    """Notes with any word of the query, most words first; without words the newest. `total` counts all of them."""
    values = {"owner": owner_id, "patterns": like_patterns(query), "limit": limit}
    return (await connection.execute(_FIND, values)).all()


async def add_note(connection: AsyncConnection, owner_id: UUID, content: str) -> Row[Any] | None:
    """Add a note, or find the one with the same text (`is_new` is False). None when the limit is reached."""
    await connection.execute(_LOCK, {"owner": str(owner_id)})
    values = {"id": new_id(), "owner": owner_id, "content": content}
    return (await connection.execute(_ADD, values)).one_or_none()


async def is_noted(connection: AsyncConnection, owner_id: UUID, content: str, *, besides: UUID) -> bool:
    """Whether another note has this text. No note is added before the transaction ends."""
    await connection.execute(_LOCK, {"owner": str(owner_id)})
    found = await connection.execute(_EXISTS, {"owner": owner_id, "content": content, "id": besides})
    return bool(found.scalar_one())


async def update_note(connection: AsyncConnection, owner_id: UUID, note_id: UUID, content: str) -> Row[Any] | None:
    # Replace the text of a note. None when it does not exist.
    values = {"id": note_id, "owner": owner_id, "content": content}
    return (await connection.execute(_UPDATE, values)).one_or_none()


async def delete_note(connection: AsyncConnection, owner_id: UUID, note_id: UUID) -> str | None:
    # Delete a note and return its text. None when it does not exist.
    found = await connection.execute(_DELETE, {"id": note_id, "owner": owner_id})
    content: str | None = found.scalar_one_or_none()
    return content
