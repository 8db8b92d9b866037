"""The tools of a server's listing that BaseChat uses: limited in number and size, and storable."""

import logging
from collections.abc import AsyncIterator

from mcp.client.session import ClientSession
from mcp_types import PaginatedRequestParams, Tool, ToolAnnotations

from basechat.infra.mcp.limits import McpLimits
from basechat.infra.mcp.tools import ToolSpec
from basechat.kit import json
from basechat.kit.text import storable

log = logging.getLogger(__name__)

NAME_LENGTH = 128
TITLE_LENGTH = 200


async def list_all(session: ClientSession, limits: McpLimits) -> list[ToolSpec]:
    """List the tools within the limits, without those whose name or schema is unusable.

    Of two tools with one name the first is listed.
    """
    found: dict[str, ToolSpec] = {}
    room = limits.listing_length
    async for tool in _pages(session, limits.pages):
        size = _schema_size(tool)
        if size is None or size > limits.schema_bytes or not _is_name(tool.name):
            log.warning("skipped a tool of an MCP server: its name or its schema is unusable")
            continue
        spec = _spec(tool, limits)
        room -= size + len(spec.description)
        if room < 0 or len(found) == limits.tools:
            log.warning("an MCP server lists too much: only its first %s tools are used", len(found))
            break
        found.setdefault(spec.name, spec)
    return list(found.values())


async def _pages(session: ClientSession, limit: int) -> AsyncIterator[Tool]:
    cursor: str | None = None
    for _ in range(limit):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        for tool in page.tools:
            yield tool
        cursor = page.next_cursor
        if not cursor:
            return


def _spec(tool: Tool, limits: McpLimits) -> ToolSpec:
    hints = tool.annotations or ToolAnnotations()
    read_only, idempotent = bool(hints.read_only_hint), bool(hints.idempotent_hint)
    return ToolSpec(
        name=tool.name,
        title=storable(tool.title or hints.title or tool.name)[:TITLE_LENGTH],
        description=storable(tool.description or "")[: limits.description_length],
        input_schema=tool.input_schema,
        read_only=read_only,
        idempotent=idempotent or read_only,
        repeatable=read_only and idempotent,
    )


def _is_name(name: str) -> bool:
    return 0 < len(name) <= NAME_LENGTH and name.isprintable()


def _schema_size(tool: Tool) -> int | None:
    """Length of the schema in JSON; None if it can't be stored."""
    try:
        schema = json.dumps(tool.input_schema)
    except TypeError:  # numbers beyond 64 bits, or nested too deep
        return None
    return None if b"\\u0000" in schema else len(schema)
