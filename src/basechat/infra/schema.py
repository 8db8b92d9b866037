"""The revision of the schema that this version needs. Services that do not migrate wait for it."""

import asyncio
import re
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncEngine

SCRIPTS = Path(__file__).parent.parent / "migrations"

_REVISION = re.compile(r'^revision: str = "(\w+)"$', re.MULTILINE)


class SchemaError(Exception):
    """This version does not know the schema of the database."""


def head_revision() -> str:
    """The revision that this version needs: the newest, by the dates in the names of the revisions.

    Alembic knows it too, but costs 9 MB of memory in each service that only waits.
    """
    found = (_REVISION.search(script.read_text()) for script in SCRIPTS.glob("versions/[0-9]*.py"))
    return max(revision[1] for revision in found if revision)


async def wait_for_schema(engine: AsyncEngine, *, timeout: float = 120) -> None:
    """Wait until the database has this version's revision; raises `SchemaError` after `timeout` seconds."""
    head, last = head_revision(), "no answer"
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + timeout, 0.1
    while loop.time() < deadline:
        try:
            async with engine.connect() as connection:
                last = await connection.scalar(text("SELECT version_num FROM alembic_version")) or "none"
            if last == head:
                return
        except (DBAPIError, InterfaceError, OSError) as error:
            last = str(error).splitlines()[0]
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 1.0)
    raise SchemaError(f"The schema did not reach revision {head} within {timeout:.0f} s (last seen: {last})")
