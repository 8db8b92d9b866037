"""The tools of a peer: one of each kind that a client has to tell apart."""

import asyncio
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import (
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)
from pydantic import Field


def build_tools() -> MCPServer:
    """A server with these tools."""
    server = MCPServer("Peer")
    reads = ToolAnnotations(read_only_hint=True)
    for tool, annotations in (
        (add, ToolAnnotations(read_only_hint=True, idempotent_hint=True)),
        (clock, reads),
        (put, ToolAnnotations(idempotent_hint=True)),
        (write, None),
        (fail, reads),
        (crash, reads),
        (wait, reads),
        (long, reads),
        (mixed, reads),
        (bare, reads),
        (nothing, reads),
        (who, reads),
        (regional, reads),
    ):
        server.add_tool(tool, title=f"The tool {tool.__name__}", annotations=annotations)
    return server


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def clock() -> str:
    """Tell the time."""
    return "noon"


def put(value: str) -> str:
    """Set something."""
    return value


def write(text: str) -> str:
    """Write something."""
    return f"wrote {text}"


def fail() -> str:
    """Fail as a tool does."""
    raise ToolError("there is no more paper")


def crash() -> str:
    """Fail as a program does."""
    raise RuntimeError("a secret of the server")


async def wait(seconds: float) -> str:
    """Take long."""
    await asyncio.sleep(seconds)
    return "done"


def long(length: int) -> str:
    """Say much."""
    return "가" * length


def mixed() -> CallToolResult:
    """Answer with all kinds of content."""
    linked: Any = "https://example.org/a.pdf"
    inside: Any = "file:///notes.txt"
    content: list[ContentBlock] = [
        TextContent(text="First."),
        ImageContent(data="AAAA", mime_type="image/png"),
        ResourceLink(uri=linked, name="a report"),
        EmbeddedResource(resource=TextResourceContents(uri=inside, text="a note", mime_type="text/plain")),
        TextContent(text="Last\x00."),
    ]
    return CallToolResult(content=content)


def bare() -> CallToolResult:
    """Answer with structure alone."""
    return CallToolResult(content=[], structured_content={"degrees": 21})


def nothing() -> CallToolResult:
    """Answer with nothing."""
    return CallToolResult(content=[])


def who(context: Context[Any, Any]) -> dict[str, Any]:
    """The headers and the metadata of the call."""
    request = context.request_context
    headers: Any = request.request.headers if request.request else {}
    return {
        "authorization": headers.get("authorization"),
        "agent": headers.get("user-agent"),
        "meta": dict(request.meta or {}).get("basechat/call"),
    }


def regional(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
    """Be answered by one region alone, which a proxy finds in a header."""
    return f"from {region}"
