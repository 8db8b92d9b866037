"""From the result of a call to the text that the model is told."""

from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from basechat.infra.mcp.tools import ToolResult
from basechat.kit import json
from basechat.kit.text import storable


def outcome_of(result: CallToolResult, *, limit: int) -> ToolResult:
    """Return what a tool answered, at most `limit` characters of it."""
    said = "\n".join(filter(None, map(_line, result.content)))
    if not said and result.structured_content is not None:
        said = json.dumps(result.structured_content).decode()
    return told(said or "The tool answered nothing.", ok=not result.is_error, limit=limit)


def told(text: str, *, ok: bool, limit: int) -> ToolResult:
    """Return an outcome whose text says where it was cut."""
    text = storable(text)
    if len(text) > limit:
        text = f"{text[:limit]}\n[Cut here: the answer has {len(text):,} characters, of which {limit:,} are shown.]"
    return ToolResult(ok=ok, text=text)


def _line(block: ContentBlock) -> str:
    """Return the text of a block, or a line that says what it is where it is not text."""
    match block:
        case TextContent(text=text):
            return text
        case EmbeddedResource(resource=TextResourceContents(text=text, uri=uri)):
            return f"[resource {uri}]\n{text}"
        case EmbeddedResource(resource=resource):
            return f"[resource {resource.uri}, {resource.mime_type or 'of unknown type'}]"
        case ResourceLink(uri=uri, name=name):
            return f"[resource {name}: {uri}]"
        case ImageContent(mime_type=kind, data=data) | AudioContent(mime_type=kind, data=data):
            return f"[{block.type} {kind}, {len(data) * 3 // 4:,} bytes]"
