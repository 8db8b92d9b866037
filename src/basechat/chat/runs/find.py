"""Finding a run."""

from uuid import UUID

from sqlalchemy import text

from basechat.chat.documents import Document, run_document
from basechat.chat.history import RUN_COLUMNS
from basechat.infra.db import Database
from basechat.kit.errors import NotFoundError

_FIND = text(f"SELECT {RUN_COLUMNS} FROM runs r WHERE r.id = :run_id AND r.owner_id = :owner_id")  # noqa: S608


async def get_run(database: Database, owner_id: UUID, run_id: UUID) -> Document:
    """Return a run; raises `NotFoundError` for somebody else's."""
    async with database.owner_transaction(owner_id) as connection:
        row = (await connection.execute(_FIND, {"run_id": run_id, "owner_id": owner_id})).one_or_none()
    if row is None:
        raise NotFoundError("There is no such run.", code="run.not_found")
    return run_document(row)
