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
    """Return what a server offers, as far as it is within bounds; of two tools of one name the first.

    A tool whose name or schema can't be used is left out.
    """
    found: dict[str, ToolSpec] = {}
    room = bounds.listing_length
    async for tool in _pages(session, bounds.pages):
        size = _schema_size(tool)
        if size is None or size > bounds.schema_bytes or not _is_name(tool.name):
            log.warning("a tool of an MCP server is left out: its name or its schema can't be used")
            continue
        spec = _spec(tool, bounds)
        room -= size + len(spec.description)
        if room < 0 or len(found) == bounds.tools:
            log.warning("an MCP server offers more than is taken: the first %s tools are", len(found))
            break
        found.setdefault(spec.name, spec)
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


def _spec(tool: Tool, bounds: Bounds) -> ToolSpec:
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


def _is_name(name: str) -> bool:
    return 0 < len(name) <= NAME_LENGTH and name.isprintable()


def _schema_size(tool: Tool) -> int | None:
    """Return how long a schema is in JSON; None for one that can't be stored."""
    try:
        written = json.dumps(tool.input_schema)
    except TypeError:  # numbers beyond 64 bits, or nested too deep
        return None
    return None if b"\\u0000" in written else len(written)
