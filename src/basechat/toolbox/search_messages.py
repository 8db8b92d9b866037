"""The tool `search_messages`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from sqlalchemy import text

from basechat.infra.db import Database
from basechat.kit.text import Line, composed
from basechat.toolbox.owner import current_caller, rows_of
from basechat.toolbox.words import MOST_WORDS, patterns

SNIPPET = 300

# Reads every message of the owner, bounded by the transaction's statement timeout. The word index `message_index`
# takes over once jobs write it; then this statement goes, and the tool's answer stays.
# The running question and its answer are no find. A hit that ILIKE sees and `position` does not starts at 1.
_SEARCH = text(f"""
    SELECT m.id, m.session_id, m.role, m.created_at, c.title,
           substring(m.content FROM CAST(s.start AS integer) FOR {SNIPPET}) AS snippet,
           s.start > 1 AS cut_before, length(m.content) >= s.start + {SNIPPET} AS cut_after
    FROM (
        SELECT m.* FROM messages m JOIN chat_sessions c ON c.id = m.session_id
        WHERE m.owner_id = :owner AND m.role IN ('user', 'assistant') AND c.is_active AND NOT c.temporary
          AND m.content ILIKE ALL (CAST(:patterns AS text[]))
          AND NOT EXISTS (SELECT FROM runs r WHERE r.id = :run_id AND m.id IN (r.user_message_id, r.message_id))
        ORDER BY m.created_at DESC, m.id DESC LIMIT :limit
    ) m
    JOIN chat_sessions c ON c.id = m.session_id
    CROSS JOIN LATERAL (
        SELECT greatest(1, position(lower(CAST(:first AS text)) IN lower(m.content)) - {SNIPPET // 3}) AS start
    ) s
    ORDER BY m.created_at DESC, m.id DESC
""")  # noqa: S608 - composed of the constant above


class Found(BaseModel):
    """A message that holds all words."""

    message_id: UUID
    chat_id: UUID
    chat_title: str
    role: str = Field(description="`user` for the person, `assistant` for the answers they got.")
    created_at: datetime
    snippet: str = Field(description="The text around the first word.")


class FoundMessages(BaseModel):
    """Messages that were found, the newest first."""

    messages: list[Found]


class SearchMessages:
    """Looks through the table `messages`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def search_messages(
        self,
        query: Annotated[
            Line,
            AfterValidator(composed),
            Field(min_length=1, max_length=200, description=f"At most {MOST_WORDS} words; a message must hold all."),
        ],
        limit: Annotated[int, Field(ge=1, le=20, description="How many messages to return at most.")] = 10,
    ) -> FoundMessages:
        """Search the user's own earlier chats for messages that hold all the given words, the newest first.

        Words match in any case and inside of longer words, so a stem finds more than an inflected form. Use few,
        telling words. Deleted and temporary chats are not searched.
        """
        caller = current_caller()
        values = {
            "owner": caller.owner_id,
            "run_id": caller.run_id,
            "patterns": patterns(query),
            "first": query.split()[0],
            "limit": limit,
        }
        async with rows_of(caller.owner_id, self.database) as connection:
            rows = (await connection.execute(_SEARCH, values)).all()
        return FoundMessages(
            messages=[
                Found(
                    message_id=row.id,
                    chat_id=row.session_id,
                    chat_title=row.title,
                    role=row.role,
                    created_at=row.created_at,
                    snippet=f"{'…' if row.cut_before else ''}{row.snippet}{'…' if row.cut_after else ''}",
                )
                for row in rows
            ]
        )
