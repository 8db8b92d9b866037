"""The schema that this version needs, waited for by the services that don't migrate."""

import asyncio
import re
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncEngine

SCRIPTS = Path(__file__).parent.parent / "migrations"

_REVISION = re.compile(r'^revision: str = "(\w+)"$', re.MULTILINE)


class SchemaError(Exception):
    """The database's schema is not one that this version knows."""


def head_revision() -> str:
    """Return the revision that this version needs: the last one, as they are in one line and named by their dates.

    Alembic knows it too, but takes 9 MB in each service that only wants to wait.
    """
    found = (_REVISION.search(script.read_text()) for script in SCRIPTS.glob("versions/[0-9]*.py"))
    return max(revision[1] for revision in found if revision)


async def wait_for_schema(engine: AsyncEngine, *, timeout: float = 120) -> None:
    """Return when the database is at this version's revision; raises `SchemaError` after `timeout` seconds."""
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
