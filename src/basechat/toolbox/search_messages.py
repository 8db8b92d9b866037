"""The tool `search_messages`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from basechat.chat.search import search_messages
from basechat.infra.db import Database
from basechat.kit.text import Line, composed, like_patterns
from basechat.toolbox.access import current_caller
from basechat.toolbox.receipts import caller_transaction

MOST_WORDS = 12


class FoundMessage(BaseModel):
    """A message that contains all words."""

    message_id: UUID
    chat_id: UUID
    chat_title: str
    role: str = Field(description="`user` for the person, `assistant` for the answers they got.")
    created_at: datetime
    snippet: str = Field(description="The text around the first word.")


class FoundMessages(BaseModel):
    """Messages that match, the newest first."""

    messages: list[FoundMessage]


class SearchMessages:
    """Searches the messages of the caller."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def search_messages(
        self,
        query: Annotated[
            Line,
            AfterValidator(composed),
            Field(min_length=1, max_length=200, description=f"At most {MOST_WORDS} words; a message must hold all."),
        ],
        limit: Annotated[int, Field(ge=1, le=20, description="The most messages to return.")] = 10,
    ) -> FoundMessages:
        """Search the user's own earlier chats for messages that hold all the given words, the newest first.

        Words match in any case and inside of longer words, so a stem finds more than an inflected form. Use few,
        telling words. Deleted and temporary chats are not searched.
        """
        caller = current_caller()
        async with caller_transaction(self.database) as connection:
            rows = await search_messages(
                connection,
                caller.owner_id,
                like_patterns(query, limit=MOST_WORDS),
                first_word=query.split()[0],
                limit=limit,
                without_run=caller.run_id,
            )
        return FoundMessages(
            messages=[
                FoundMessage(
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
