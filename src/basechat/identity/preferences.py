"""A person's preferences: read and changed field by field."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from basechat.identity.models import UserPreferences

_FIELDS = ("default_model", "default_temperature", "max_tokens", "locale", "theme", "instructions")
_COLUMNS = [getattr(UserPreferences, name) for name in _FIELDS]


async def get_preferences(connection: AsyncConnection, owner_id: UUID) -> dict[str, Any]:
    """All preferences; None for each field that the person has not set."""
    statement = select(*_COLUMNS).where(UserPreferences.user_id == owner_id)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return dict(row) if row else dict.fromkeys(_FIELDS)


async def change_preferences(connection: AsyncConnection, owner_id: UUID, changes: dict[str, Any]) -> dict[str, Any]:
    statement = insert(UserPreferences).values(user_id=owner_id, **changes)
    statement = statement.on_conflict_do_update(
        index_elements=[UserPreferences.user_id], set_={**changes, "user_id": owner_id}
    )
    return dict((await connection.execute(statement.returning(*_COLUMNS))).mappings().one())
