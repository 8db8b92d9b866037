"""From what a server lists to the tools that are offered: at most so many, of bounded size, that can be stored."""

import logging
from collections.abc import AsyncIterator

from mcp.client.session import ClientSession
from mcp_types import PaginatedRequestParams, Tool, ToolAnnotations

from basechat.infra.mcp.bounds import Bounds
from basechat.infra.mcp.tools import ToolSpec
from basechat.kit import json
from basechat.kit.text import storable

log = logging.getLogger(__name__)

NAME_LENGTH = 128
TITLE_LENGTH = 200


async def list_all(session: ClientSession, bounds: Bounds) -> list[ToolSpec]:
    """Return what a server offers; of two tools of one name the first, and none that can't be described or stored."""
    found: dict[str, ToolSpec] = {}
    async for tool in _pages(session, bounds.pages):
        spec = _spec(tool, bounds)
        if spec is None:
            log.warning("a tool of an outside server is left out: its name or its schema is not usable")
            continue
        found.setdefault(spec.name, spec)
        if len(found) == bounds.tools:
            break
    return list(found.values())


async def _pages(session: ClientSession, most: int) -> AsyncIterator[Tool]:
    cursor: str | None = None
    for _ in range(most):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        for tool in page.tools:
            yield tool
        cursor = page.next_cursor
        if not cursor:
            return


def _spec(tool: Tool, bounds: Bounds) -> ToolSpec | None:
    if not 0 < len(tool.name) <= NAME_LENGTH or not tool.name.isprintable() or not _is_storable(tool, bounds):
        return None
    hints = tool.annotations or ToolAnnotations()
    read_only, idempotent = bool(hints.read_only_hint), bool(hints.idempotent_hint)
    return ToolSpec(
        name=tool.name,
        title=storable(tool.title or hints.title or tool.name)[:TITLE_LENGTH],
        description=storable(tool.description or "")[: bounds.description_length],
        input_schema=tool.input_schema,
        read_only=read_only,
        idempotent=idempotent or read_only,
        repeatable=read_only and idempotent,
    )


def _is_storable(tool: Tool, bounds: Bounds) -> bool:
    try:
        written = json.dumps(tool.input_schema)
    except TypeError:  # numbers beyond 64 bits, or nested too deep
        return False
    return len(written) <= bounds.schema_bytes and b"\\u0000" not in written
