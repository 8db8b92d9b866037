"""The outside servers of a person as the assistant needs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from basechat.infra.db import Database
from basechat.infra.mcp.tools import ToolSpec
from basechat.toolbox.servers.credentials import open_headers
from basechat.toolbox.servers.endpoint import Endpoint

_LOAD = text("""
    SELECT id, owner_id, name, transport, url, options, credentials, tools FROM mcp_servers
    WHERE owner_id = :owner_id AND is_enabled
      AND (CAST(:names AS text[]) IS NULL OR name = ANY (CAST(:names AS text[])))
    ORDER BY name
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideServer:
    """A server that is switched on, and the tools that it offered when it was asked last."""

    id: UUID
    name: str
    endpoint: Endpoint
    tools: tuple[ToolSpec, ...]


async def load_servers(
    database: Database, owner_id: UUID, secret: bytes, *, names: Sequence[str] | None = None
) -> list[OutsideServer]:
    """Return a person's enabled servers, those of the names alone if there are names: for workers, in one statement."""
    values = {"owner_id": owner_id, "names": None if names is None else list(names)}
    async with database.autocommit() as connection:
        rows = (await connection.execute(_LOAD, values)).all()
    return [
        OutsideServer(
            id=row.id,
            name=row.name,
            endpoint=endpoint_of(row, secret),
            tools=tuple(ToolSpec.from_json(each) for each in row.tools or ()),
        )
        for row in rows
    ]


def endpoint_of(row: Row[Any], secret: bytes) -> Endpoint:
    """Return where the server of a row is."""
    return Endpoint(
        transport=row.transport,
        url=row.url,
        command=row.options.get("command"),
        headers=open_headers(row.credentials, secret=secret, owner_id=row.owner_id, server_id=row.id),
    )
