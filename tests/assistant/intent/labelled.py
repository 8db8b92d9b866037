"""Reads labelled messages and the tools that are offered for them."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from basechat.infra.db import open_database
from basechat.kit.config import Settings
from basechat.toolbox.server import build_server

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool in the form that the model gets."""

    name: str
    title: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message and the tools that it needs."""

    text: str
    needs: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Messages and the enabled tools: ours and those of outside servers."""

    tools: Sequence[Tool]
    messages: Sequence[Message]


async def read(name: str, settings: Settings) -> Labelled:
    """Load a file's messages. Our own tools stand before the file's tools."""
    said = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    outside = [Tool(**tool) for tool in said["tools"]]
    return Labelled(
        tools=[*await own_tools(settings), *outside], messages=[Message(**each) for each in said["messages"]]
    )


async def own_tools(settings: Settings) -> list[Tool]:
    """The tools of mcp-server with their own descriptions, including web search."""
    database = open_database(settings)
    server = build_server(settings.model_copy(update={"searxng_url": "http://127.0.0.1:9"}), database)
    return [
        Tool(name=tool.name, title=tool.title or tool.name, description=tool.description or "")
        for tool in await server.list_tools()
    ]
